//! What an image needs: the executable runs from a root with nothing but itself, the libraries
//! and CAs that the base image has, keys and a configuration, under the names of Fluentd's images.

use std::error::Error;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use forebay_testbed::client::{Client, Protocol, Target};
use forebay_testbed::conf::{Buffer, Conf, HttpSource, Match, TlsTransport};
use forebay_testbed::keys::Keys;
use forebay_testbed::rig::{BUCKET, deliver, past};
use forebay_testbed::server::Launch;
use forebay_testbed::store::Store;
use forebay_testbed::tally::Tally;
use tempfile::TempDir;

const FOREBAY: &str = env!("CARGO_BIN_EXE_forebay");
const DOCKERFILE: &str = include_str!("../examples/container/Dockerfile");
/// The user of the base image.
const NOBODY: u32 = 65532;
/// What gcr.io/distroless/cc has of shared libraries that count here: those of glibc, libgcc.
const IN_THE_BASE_IMAGE: [&str; 8] = [
    "ld-linux-aarch64.so.1",
    "ld-linux-x86-64.so.2",
    "libc.so.6",
    "libdl.so.2",
    "libgcc_s.so.1",
    "libm.so.6",
    "libpthread.so.0",
    "librt.so.1",
];

/// The CAs of the world, which that image has in the same place.
const CAS: &str = "/etc/ssl/certs/ca-certificates.crt";

type TestResult = Result<(), Box<dyn Error>>;

#[tokio::test]
async fn it_runs_as_fluentd_from_a_root_with_nothing_else() -> TestResult {
    let Some(root) = Root::new()? else {
        return Ok(());
    };
    let store = Store::start(&root.scratch("s3"), &[BUCKET]).await?;
    let launch = root
        .launch()?
        .variable("FLUENTD_CONF", "audit.conf")
        .variable("FLUENTD_OPT", "-v -q");
    fs::write(root.path("fluentd/etc/audit.conf"), root.conf(&store))?;
    let server = launch.start("").await?;

    let target = Target::tls(server.address(), Protocol::Http1, &root.keys.client())?;
    let mut tally = Tally::default();
    deliver(&mut Client::new(target), &past().audit(20), &mut tally).await?;
    let exit = server.terminate().await?;
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    let texts = store
        .objects()?
        .iter()
        .map(|object| object.text())
        .collect::<Result<Vec<_>, _>>()?;
    let report = tally.check(texts);
    assert!(report.is_exact(), "{report}");
    Ok(())
}

#[test]
fn it_needs_no_library_that_the_base_image_has_not() -> TestResult {
    for library in libraries()? {
        let name = library
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        assert!(IN_THE_BASE_IMAGE.contains(&name.as_str()), "{name}");
    }
    Ok(())
}

#[test]
fn the_image_has_the_names_that_this_file_tests() {
    for line in [
        "FROM gcr.io/distroless/cc-debian12:nonroot",
        "USER 65532:65532",
        "STOPSIGNAL SIGTERM",
        "ENTRYPOINT [\"/usr/local/bin/forebay\"]",
        "ln -s forebay /image/usr/local/bin/fluentd",
        "/image/var/lib/forebay /image/keys",
        "FLUENTD_CONF=fluent.conf",
        "FLUENTD_OPT=",
    ] {
        assert!(DOCKERFILE.contains(line), "{line}");
    }
}

/// A root directory for one executable, laid out as the image is.
struct Root {
    directory: TempDir,
    keys: Keys,
}

impl Root {
    /// `None` where nobody may change the root of a process, with a word on that.
    #[allow(
        clippy::print_stderr,
        reason = "that a test was left out is worth knowing"
    )]
    fn new() -> Result<Option<Root>, Box<dyn Error>> {
        let allowed = is_root()
            || Command::new("unshare")
                .args(["-r", "true"])
                .status()
                .is_ok_and(|status| status.success());
        if !allowed {
            eprintln!("skipped: neither root nor user namespaces");
            return Ok(None);
        }
        let directory = tempfile::tempdir()?;
        // The others' owner has to get through it, too.
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755))?;
        let keys = Keys::issue(&directory.path().join("root/keys"))?;
        let root = Root { directory, keys };
        for below in ["usr/local/bin", "fluentd/etc", "var/lib/forebay", "tmp"] {
            fs::create_dir_all(root.path(below))?;
        }
        fs::copy(FOREBAY, root.path("usr/local/bin/forebay"))?;
        symlink("forebay", root.path("usr/local/bin/fluentd"))?;
        for library in libraries()?.into_iter().chain([CAS.into()]) {
            let copy = root.path(&library.to_string_lossy());
            fs::create_dir_all(copy.parent().ok_or("a file without a directory")?)?;
            fs::copy(&library, copy)?;
        }
        if is_root() {
            root.leave_to_nobody()?;
        }
        Ok(Some(root))
    }

    /// All that the image's user may write to, and the keys it may read. The rest is ours, so
    /// for that user the root is as good as read-only.
    fn leave_to_nobody(&self) -> std::io::Result<()> {
        for path in ["keys", "var/lib/forebay", "tmp"] {
            chown(self.path(path), Some(NOBODY), Some(NOBODY))?;
        }
        for entry in fs::read_dir(self.path("keys"))? {
            chown(entry?.path(), Some(NOBODY), Some(NOBODY))?;
        }
        Ok(())
    }

    /// Where a path of the root lies outside of it.
    fn path(&self, inside: &str) -> PathBuf {
        self.directory
            .path()
            .join("root")
            .join(inside.trim_start_matches('/'))
    }

    fn scratch(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Starts it under the name of Fluentd. What [`Launch`] adds to the command line, a
    /// `--config` of its own, is left out.
    fn launch(&self) -> Result<Launch, Box<dyn Error>> {
        let change = match is_root() {
            true => format!("chroot --userspec={NOBODY}:{NOBODY}"),
            false => "unshare -r chroot".to_owned(),
        };
        let script = self.scratch("start");
        let root = self.path("");
        let line = format!(
            "exec env -i FLUENTD_CONF=\"$FLUENTD_CONF\" FLUENTD_OPT=\"$FLUENTD_OPT\" PATH=/usr/sbin:/usr/bin:/sbin:/bin {change} {} /usr/local/bin/fluentd\n",
            root.display()
        );
        fs::write(&script, line)?;
        let launch = Launch::new("/bin/sh", self.directory.path());
        Ok(launch.argument(script))
    }

    fn conf(&self, store: &Store) -> String {
        let source = HttpSource::tls(TlsTransport {
            ca: "/keys/ca.crt".into(),
            certificate: "/keys/server.crt".into(),
            key: "/keys/server.key".into(),
            ..self.keys.transport()
        });
        let buffer =
            Buffer::file(Path::new("/var/lib/forebay/audit"), 3600).line("flush_at_shutdown true");
        let output = Match::s3("**", store, BUCKET, buffer);
        Conf::new().source(&source).output(&output).to_string()
    }
}

/// The shared libraries of the executable, the loader among them.
fn libraries() -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let listed = Command::new("ldd").arg(FOREBAY).output()?;
    let text = String::from_utf8(listed.stdout)?;
    let paths = text.split_whitespace().filter(|word| word.starts_with('/'));
    Ok(paths.map(PathBuf::from).collect())
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout == b"0\n")
}
