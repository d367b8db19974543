//! Digests of the real executable, and `forebay verify` on what it has put.

use std::collections::BTreeSet;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

use forebay_testbed::conf::Conf;
use forebay_testbed::keys::DigestKeys;
use forebay_testbed::rig::{BUCKET, Rig, deliver, past};
use forebay_testbed::server::Server;
use forebay_testbed::store::{ACCESS_KEY, Fault, Reads, Refusal, SECRET_KEY, StoredObject};
use forebay_testbed::tally::{Report, Tally};
use tokio::process::Command;

const FOREBAY: &str = env!("CARGO_BIN_EXE_forebay");
const PATIENCE: Duration = Duration::from_secs(20);

type TestResult<T = ()> = Result<T, Box<dyn Error>>;

/// A rig whose output makes a digest a second.
struct Bench {
    rig: Rig,
    keys: DigestKeys,
    tally: Tally,
    maker: forebay_testbed::events::EventMaker,
}

/// What `forebay verify` has said.
struct Verdict {
    code: Option<i32>,
    text: String,
}

impl Bench {
    async fn new() -> TestResult<Self> {
        let rig = Rig::new(FOREBAY).await?;
        let keys = DigestKeys::issue(rig.directory())?;
        Ok(Self {
            rig,
            keys,
            tally: Tally::default(),
            maker: past(),
        })
    }

    async fn start(&self) -> TestResult<Server> {
        self.start_with("path digests/").await
    }

    /// With these lines in `<digest>`, or without one.
    fn conf(&self, lines: Option<&str>) -> Conf {
        let key = self.keys.private.display();
        let output = self.rig.s3("**", self.rig.buffer(1));
        let output = match lines {
            Some(lines) => output.line(format!(
                "<digest>\n{lines}\nprivate_key_path {key}\n</digest>"
            )),
            None => output,
        };
        self.rig.conf_with(output)
    }

    async fn start_with(&self, line: &str) -> TestResult<Server> {
        let conf = self.conf(Some(&format!("{line}\ninterval 1s")));
        Ok(self.rig.start(&conf).await?)
    }

    /// Sends events of one slot, and waits until their object is there.
    async fn send(&mut self, server: &mut Server, chunks: usize) -> TestResult {
        let mut client = self.rig.client(server)?;
        deliver(&mut client, &self.maker.audit(1), &mut self.tally).await?;
        server
            .wait_for_logs("chunk delivered", chunks, PATIENCE)
            .await?;
        Ok(())
    }

    /// Ends the server in order; all that was sent is there.
    async fn finish(&self, server: Server) -> TestResult {
        let all = |objects: &[StoredObject]| self.report(objects).missing.is_empty();
        self.rig.store.wait_for_objects(PATIENCE, all).await?;
        let exit = server.terminate().await?;
        assert_eq!(exit.code, Some(0), "{}", exit.stderr);
        let report = self.report(&self.rig.store.objects()?);
        assert!(report.is_exact(), "{report}");
        Ok(())
    }

    fn report(&self, objects: &[StoredObject]) -> Report {
        let logs = objects
            .iter()
            .filter(|object| object.key.starts_with("logs/"));
        self.tally
            .check(logs.filter_map(|object| object.text().ok()))
    }

    async fn verify(&self) -> TestResult<Verdict> {
        self.verify_by(&[]).await
    }

    async fn verify_by(&self, arguments: &[&str]) -> TestResult<Verdict> {
        let place = format!("s3://{BUCKET}/");
        let endpoint = self.rig.store.endpoint();
        let store = ["--endpoint-url", &endpoint, "--path-style"];
        self.run(&[&[place.as_str()], &store[..], arguments].concat())
            .await
    }

    async fn run(&self, arguments: &[&str]) -> TestResult<Verdict> {
        let output = Command::new(FOREBAY)
            .arg("verify")
            .arg("--public-key")
            .arg(&self.keys.public)
            .args(arguments)
            .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
            .env("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .output()
            .await?;
        let text = [output.stdout, output.stderr].concat();
        Ok(Verdict {
            code: output.status.code(),
            text: String::from_utf8(text)?,
        })
    }

    fn objects(&self) -> TestResult<Vec<StoredObject>> {
        let objects = self.rig.store.objects()?.into_iter();
        Ok(objects
            .filter(|object| object.key.starts_with("logs/"))
            .collect())
    }

    fn digests(&self) -> TestResult<Vec<StoredObject>> {
        let objects = self.rig.store.objects()?.into_iter();
        Ok(objects
            .filter(|object| object.key.starts_with("digests/"))
            .collect())
    }

    fn bucket(&self) -> PathBuf {
        self.rig.store.directory().join(BUCKET)
    }
}

impl Verdict {
    fn is_clean(&self) {
        assert_eq!(self.code, Some(0), "{}", self.text);
        assert!(
            self.text.ends_with("all of it is there, as it was put\n"),
            "{}",
            self.text
        );
    }

    /// These are found, and nothing else.
    fn finds(&self, expected: &[String]) {
        assert_eq!(self.code, Some(1), "{}", self.text);
        let lines = self.text.lines().take_while(|line| !line.is_empty());
        let found: BTreeSet<_> = lines
            .filter_map(|line| {
                let mut parts = line.splitn(3, ": ");
                Some(format!("{}: {}", parts.next()?, parts.next()?))
            })
            .collect();
        let expected: BTreeSet<_> = expected.iter().cloned().collect();
        assert_eq!(found, expected, "{}", self.text);
    }
}

#[tokio::test]
async fn what_a_server_has_put_verifies_in_the_bucket_and_in_a_copy_of_it() -> TestResult {
    let mut bench = Bench::new().await?;
    let mut server = bench.start().await?;
    for chunks in 1..=3 {
        bench.send(&mut server, chunks).await?;
    }
    server
        .wait_for_logs("digest delivered", 3, PATIENCE)
        .await?;
    let exit = server.terminate().await?;
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    bench.verify().await?.is_clean();
    bench
        .run(&[&bench.bucket().display().to_string()])
        .await?
        .is_clean();
    let json = bench.verify_by(&["--json"]).await?;
    let summary: serde_json::Value = serde_json::from_str(&json.text)?;
    assert_eq!(
        (&summary["objects"], &summary["findings"]),
        (&3.into(), &0.into())
    );
    assert_eq!(summary["chains"][0]["ended"], true);

    let digest = bench.digests()?.remove(0);
    assert_eq!(digest.content_type.as_deref(), Some("application/x-ndjson"));
    for put in bench
        .rig
        .store
        .requests()
        .iter()
        .filter(|request| request.is_put())
    {
        let condition = put.headers.get("if-none-match");
        assert!(condition.is_some_and(|it| it == "*"), "{put:?}");
    }
    Ok(())
}

#[tokio::test]
async fn what_is_altered_removed_or_added_is_named() -> TestResult {
    let mut bench = Bench::new().await?;
    let mut server = bench.start().await?;
    for chunks in 1..=3 {
        bench.send(&mut server, chunks).await?;
    }
    server.terminate().await?;
    let objects = bench.objects()?;
    assert_eq!(objects.len(), 3);

    let [altered, removed, _] = &objects[..] else {
        return Err("three objects".into());
    };
    let mut bytes = altered.bytes()?;
    *bytes.last_mut().ok_or("an empty object")? ^= 1;
    std::fs::write(&altered.path, bytes)?;
    bench
        .verify()
        .await?
        .finds(&[format!("altered object: {}", altered.key)]);

    let whole = removed.bytes()?;
    std::fs::remove_file(&removed.path)?;
    let both = [
        format!("altered object: {}", altered.key),
        format!("missing object: {}", removed.key),
    ];
    bench.verify().await?.finds(&both);
    std::fs::write(&removed.path, whole)?;

    let added = bench.bucket().join("logs/9999_0.gz");
    std::fs::copy(&removed.path, &added)?;
    let sidecar = bench.rig.store.directory().join(".store/meta").join(BUCKET);
    std::fs::copy(sidecar.join(&removed.key), sidecar.join("logs/9999_0.gz"))?;
    let expected = [
        format!("altered object: {}", altered.key),
        "unlisted object: logs/9999_0.gz".to_owned(),
    ];
    bench.verify().await?.finds(&expected);
    Ok(())
}

#[tokio::test]
async fn a_digest_that_is_removed_or_altered_is_named() -> TestResult {
    let mut bench = Bench::new().await?;
    let mut server = bench.start().await?;
    bench.send(&mut server, 1).await?;
    server
        .wait_for_logs("digest delivered", 4, PATIENCE)
        .await?;
    server.terminate().await?;
    let digests = bench.digests()?;
    let mut empty = digests
        .iter()
        .skip(1)
        .filter(|digest| digest.text().is_ok_and(|text| text.lines().count() == 2));
    let removed = empty.next().ok_or("no digest of a quiet interval")?;
    let bytes = removed.bytes()?;
    std::fs::remove_file(&removed.path)?;
    bench
        .verify()
        .await?
        .finds(&[format!("missing digest: {}", removed.key)]);
    let text = String::from_utf8(bytes)?.replace("\"objects\":0", "\"objects\": 0");
    std::fs::write(&removed.path, text)?;
    bench
        .verify()
        .await?
        .finds(&[format!("altered digest: {}", removed.key)]);
    Ok(())
}

#[tokio::test]
async fn kills_at_any_moment_leave_nothing_out_and_list_nothing_twice() -> TestResult {
    let mut bench = Bench::new().await?;
    let rounds = 8;
    for round in 0..rounds {
        let mut server = bench.start().await?;
        let mut client = bench.rig.client(&server)?;
        deliver(&mut client, &bench.maker.audit(5), &mut bench.tally).await?;
        // Between the PUT and its answer, after the object, in the middle of digests.
        match round % 4 {
            0 => {
                bench.rig.store.faults().next(1, Fault::StoreThenStall);
                let stalled = bench.rig.store.faults().wait_for_stalled(1);
                tokio::time::timeout(PATIENCE, stalled).await?;
            }
            1 => drop(server.wait_for_log("chunk delivered", PATIENCE).await?),
            2 => drop(server.wait_for_log("digest delivered", PATIENCE).await?),
            _ => bench.rig.store.faults().share(30, Fault::StoreThenCut),
        }
        server.kill().await?;
        bench.rig.store.faults().clear();
    }
    let server = bench.start().await?;
    bench.finish(server).await?;
    let verdict = bench.verify().await?;
    verdict.is_clean();
    assert!(!verdict.text.contains("copies"), "{}", verdict.text);
    Ok(())
}

#[tokio::test]
async fn a_user_who_may_only_write_leaves_copies_that_are_explained() -> TestResult {
    let mut bench = Bench::new().await?;
    bench.rig.store.faults().reads(Reads::Denied);
    let mut server = bench.start().await?;
    bench.send(&mut server, 1).await?;
    for chunks in 2..=3 {
        bench.rig.store.faults().next(1, Fault::StoreThenCut);
        bench.send(&mut server, chunks).await?;
    }
    server.terminate().await?;
    let reads = bench
        .rig
        .store
        .requests()
        .into_iter()
        .filter(|request| !request.is_put());
    assert!(reads.count() <= 3, "only HEADs that were answered with 403");
    bench.rig.store.faults().reads(Reads::Allowed);
    bench.verify().await?.is_clean();
    Ok(())
}

#[tokio::test]
async fn digests_that_cannot_be_put_hold_nothing_back_and_follow_later() -> TestResult {
    let mut bench = Bench::new().await?;
    // The store takes no such name.
    let mut server = bench.start_with("path digests//").await?;
    bench.send(&mut server, 1).await?;
    server
        .wait_for_logs("digest could not be delivered", 2, PATIENCE)
        .await?;
    bench.send(&mut server, 2).await?;
    let exit = server.terminate().await?;
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    assert!(
        exit.stderr.contains("digests are not delivered"),
        "{}",
        exit.stderr
    );
    assert!(bench.digests()?.is_empty());
    assert_eq!(bench.objects()?.len(), 2);
    Ok(())
}

#[tokio::test]
async fn a_reload_begins_a_chain_goes_on_with_it_and_ends_it() -> TestResult {
    let mut bench = Bench::new().await?;
    let with = |line: &str| bench.conf(Some(line)).to_string();
    let confs = [
        with("path digests/"),
        with("path digests/\ninterval 2s"),
        bench.conf(None).to_string(),
    ];
    let mut server = bench.rig.start(&bench.conf(None)).await?;
    for (reloads, conf) in (1..).zip(confs) {
        std::fs::write(bench.rig.launch().conf_path(), conf)?;
        server.reload()?;
        server
            .wait_for_logs("configuration reloaded", reloads, PATIENCE)
            .await?;
        if reloads < 3 {
            bench.send(&mut server, reloads).await?;
        }
    }
    let exit = server.terminate().await?;
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    let verdict = bench.verify().await?;
    verdict.is_clean();
    assert_eq!(
        verdict.text.matches("chain ").count(),
        1,
        "{}",
        verdict.text
    );
    assert!(
        verdict.text.contains("the server ended in order"),
        "{}",
        verdict.text
    );
    Ok(())
}

#[tokio::test]
async fn an_outage_is_made_up_for() -> TestResult {
    let mut bench = Bench::new().await?;
    let mut server = bench.start().await?;
    bench.send(&mut server, 1).await?;
    bench
        .rig
        .store
        .faults()
        .share(100, Fault::Refuse(Refusal::SlowDown));
    server
        .wait_for_logs("digest could not be delivered", 1, PATIENCE)
        .await?;
    let mut client = bench.rig.client(&server)?;
    deliver(&mut client, &bench.maker.audit(3), &mut bench.tally).await?;
    server.kill().await?;
    bench.rig.store.faults().clear();
    let server = bench.start().await?;
    bench.finish(server).await?;
    bench.verify().await?.is_clean();
    Ok(())
}

#[tokio::test]
async fn two_servers_under_one_prefix_have_a_chain_each() -> TestResult {
    let bench = Bench::new().await?;
    let other = bench.rig.directory().join("other");
    std::fs::create_dir(&other)?;
    let mut tallies = Vec::new();
    for (n, directory) in [bench.rig.directory(), &other].into_iter().enumerate() {
        let key = bench.keys.private.display();
        let digest =
            format!("<digest>\npath digests/\ninterval 1s\nprivate_key_path {key}\n</digest>");
        let buffer = forebay_testbed::conf::Buffer::file(&directory.join("buffer"), 1);
        let conf = bench.rig.conf_with(bench.rig.s3("**", buffer).line(digest));
        let mut server = bench.rig.start(&conf).await?;
        let mut tally = Tally::default();
        let mut maker = past();
        deliver(
            &mut bench.rig.client(&server)?,
            &maker.audit(2 + n),
            &mut tally,
        )
        .await?;
        server.wait_for_log("chunk delivered", PATIENCE).await?;
        server.terminate().await?;
        tallies.push(tally);
    }
    let verdict = bench.verify().await?;
    verdict.is_clean();
    assert_eq!(
        verdict.text.matches("chain ").count(),
        2,
        "{}",
        verdict.text
    );

    // All of the one chain is gone but its last digest.
    let chains: BTreeSet<_> = bench
        .digests()?
        .iter()
        .filter_map(|digest| Path::new(&digest.key).parent().map(Path::to_owned))
        .collect();
    let chain = chains.first().ok_or("no chain")?;
    let of_chain = |digest: &StoredObject| Path::new(&digest.key).starts_with(chain);
    let digests: Vec<_> = bench.digests()?.into_iter().filter(of_chain).collect();
    for digest in digests.iter().rev().skip(1) {
        std::fs::remove_file(&digest.path)?;
    }
    let verdict = bench.verify().await?;
    assert_eq!(verdict.code, Some(1));
    let id = chain
        .file_name()
        .and_then(|name| name.to_str())
        .ok_or("no id")?;
    assert!(
        verdict.text.contains(&format!("of chain {id}")),
        "{}",
        verdict.text
    );
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_looked_at_is_told_with_a_code_of_its_own() -> TestResult {
    let bench = Bench::new().await?;
    for (arguments, code, expected) in [
        (vec!["/nowhere"], 69, "/nowhere: No such file"),
        (vec!["s3://"], 69, "expected s3://BUCKET"),
        (
            vec!["/tmp", "--endpoint-url", "minio"],
            2,
            "must begin with http",
        ),
    ] {
        let verdict = bench.run(&arguments).await?;
        assert_eq!(verdict.code, Some(code), "{}", verdict.text);
        assert!(verdict.text.contains(expected), "{}", verdict.text);
    }
    let output = Command::new(FOREBAY)
        .args(["verify", "/tmp"])
        .output()
        .await?;
    assert_eq!(output.status.code(), Some(2), "a key is required");
    let certificate = bench.rig.keys.directory().join("ca.crt");
    let mut verify = Command::new(FOREBAY);
    verify
        .args(["verify", "/tmp", "--public-key"])
        .arg(certificate);
    let output = verify.output().await?;
    assert_eq!(output.status.code(), Some(69));
    let text = String::from_utf8(output.stderr)?;
    assert!(
        text.contains("found no public key but CERTIFICATE"),
        "{text}"
    );
    Ok(())
}
