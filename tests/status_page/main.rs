//! The status page in a real browser: it shows what the server does, keeps up with it, and can be
//! read on a wide screen and on a narrow one, by day and by night.
//!
//! Needs Chromium; without it the test says so and passes, unless `FOREBAY_CHROMIUM` names one.
//! `FOREBAY_SCREENSHOTS=docs/images cargo test --test status_page` makes the picture of README.md;
//! else pictures are left below `target/`.

mod browser;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use forebay_testbed::client::Client;
use forebay_testbed::conf::{Buffer, Conf, Match};
use forebay_testbed::events::EventMaker;
use forebay_testbed::rig::{Rig, deliver, past, present};
use forebay_testbed::tally::Tally;

use browser::{Browser, Scheme};

const FOREBAY: &str = env!("CARGO_BIN_EXE_forebay");
const READABLE: &str = include_str!("readable.js");
const AN_HOUR: u32 = 3600;

type TestResult = Result<(), Box<dyn Error>>;

#[tokio::test(flavor = "multi_thread")]
#[allow(
    clippy::print_stderr,
    reason = "that a test was left out is worth knowing"
)]
async fn the_page_shows_where_events_are_and_what_is_wrong() -> TestResult {
    let Some(chromium) = browser::executable()? else {
        eprintln!("skipped: there is no Chromium");
        return Ok(());
    };
    let rig = Rig::new(FOREBAY).await?;
    let mut server = rig.start(&conf(&rig)).await?;
    let monitor = server.monitor_address().await?;
    let mut client = rig.client(&server)?;
    some_of_everything(&mut client).await?;

    let mut browser = Browser::start(&chromium).await?;
    browser.resize(1280, 900, Scheme::Light).await?;
    browser.open(&format!("http://{monitor}/")).await?;

    // Some chunks delivered, some waiting, one failing.
    browser
        .wait_for(&text_has("#problems", "deliveries of archive fail"))
        .await?;
    browser
        .wait_for(&row_has("#outputs", "audit", "staged"))
        .await?;
    browser
        .wait_for(&row_has("#chunks", "archive", "retry in"))
        .await?;
    browser
        .wait_for(&row_has("#chunks", "sessions", "session."))
        .await?;
    browser
        .wait_for(&text_has("#failures", "s3://archive"))
        .await?;
    browser
        .wait_for(&row_has("#sources", "teleport", "1 unmatched"))
        .await?;
    browser
        .wait_for(&row_has("#sources", "teleport", "in 9 years"))
        .await?;
    browser.wait_for(&text_has("#out-more", "object")).await?;
    browser.wait_for(&text_has("#in", "events/s")).await?;

    it_keeps_up(&mut browser, &mut client).await?;
    let traffic = Traffic::of(client);
    looks(&mut browser).await?;
    assert_eq!(browser.complaints(), Vec::<String>::new());

    // Not before: events are on their way all the time.
    traffic.stop().await?;
    server.terminate().await?;
    browser
        .wait_for(&text_has("#state", "no answer from the server"))
        .await?;
    let complaints = browser.complaints();
    let is_about_it = |text: &String| text.contains("ERR_CONNECTION_REFUSED");
    assert!(complaints.iter().all(is_about_it), "{complaints:?}");
    browser.close().await
}

/// Numbers change while somebody looks, without a reload.
async fn it_keeps_up(browser: &mut Browser, client: &mut Client) -> TestResult {
    let events = "parseInt(document.querySelector('#in-more').textContent.replaceAll(',', ''))";
    let before = browser.value(events).await?.as_u64().ok_or("no number")?;
    deliver(client, &present().audit(7), &mut Tally::default()).await?;
    let after = before + 7;
    browser.wait_for(&format!("{events} === {after}")).await?;
    Ok(())
}

/// In each size and scheme all can be read, and nothing is wider than the window.
async fn looks(browser: &mut Browser) -> TestResult {
    let asked = std::env::var_os("FOREBAY_SCREENSHOTS");
    let points = match asked {
        // A curve that looks like one.
        Some(_) => 10,
        None => 2,
    };
    let curve = "document.querySelector('#in-line').getAttribute('points').split(' ').length";
    browser.wait_for(&format!("{curve} >= {points}")).await?;
    for (name, width, scheme) in [
        ("status", 1280, Scheme::Light),
        ("status-dark", 1280, Scheme::Dark),
        ("status-narrow", 400, Scheme::Light),
        ("status-narrow-dark", 400, Scheme::Dark),
    ] {
        browser.resize(width, 900, scheme).await?;
        let wrong = browser.value(READABLE).await?;
        let picture = browser.picture().await?;
        let is_asked = name == "status" && asked.is_some();
        let directory = match &asked {
            Some(directory) if is_asked => root().join(directory),
            _ => Path::new(env!("CARGO_TARGET_TMPDIR")).join("status_page"),
        };
        fs::create_dir_all(&directory)?;
        fs::write(directory.join(format!("{name}.png")), picture)?;
        assert_eq!(wrong, serde_json::json!([]), "{name}");
    }
    Ok(())
}

/// Three outputs: one works, one waits for the end of the hour, one has no bucket.
fn conf(rig: &Rig) -> Conf {
    let buffer = |name: &str| {
        let path = rig.directory().join("buffer").join(name);
        Buffer::file(&path, AN_HOUR).line("total_limit_size 64m")
    };
    let failing = buffer("archive")
        .line("retry_wait 40s")
        .line("retry_max_interval 40s");
    let audit = rig.s3("test.log", buffer("audit"));
    let sessions = rig.s3("session.**", buffer("sessions").by_tag());
    let archive = Match::s3("archive.log", &rig.store, "archive", failing);
    Conf::new()
        .source(&rig.source().line("@id teleport"))
        .output(&audit.line("@id audit"))
        .output(&sessions.line("@id sessions"))
        .output(&archive.line("@id archive"))
        .section("<source>\n  @type monitor_agent\n  bind 127.0.0.1\n  port 0\n</source>")
}

/// Chunks that are due and such that are not, in every output, and a request nobody takes.
async fn some_of_everything(client: &mut Client) -> TestResult {
    let mut tally = Tally::default();
    deliver(client, &past().audit(400), &mut tally).await?;
    let mut maker = present();
    deliver(client, &maker.audit(120), &mut tally).await?;
    for length in [40, 25] {
        deliver(client, &maker.recording(length).events, &mut tally).await?;
    }
    for event in past().audit(3) {
        let reply = client.post("/archive.log", event.body.clone(), &[]).await?;
        assert_eq!(reply.status, 200);
    }
    let reply = client.post("/other.log", "{}", &[]).await?;
    assert_eq!(reply.status, 404);
    assert_eq!(tally.acknowledged_count(), 585);
    Ok(())
}

/// Events that come in as long as this is not told to stop, so that there is something to see.
struct Traffic {
    task: tokio::task::JoinHandle<Result<(), String>>,
    stop: tokio::sync::watch::Sender<bool>,
}

impl Traffic {
    fn of(mut client: Client) -> Traffic {
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let task = tokio::spawn(async move {
            let mut makers: [EventMaker; 2] = [present(), past()];
            let mut pace = tokio::time::interval(Duration::from_millis(60));
            while !*stopped.borrow() {
                for maker in &mut makers {
                    pace.tick().await;
                    let sent = deliver(&mut client, &maker.audit(3), &mut Tally::default()).await;
                    sent.map_err(|error| error.to_string())?;
                }
            }
            Ok(())
        });
        Traffic { task, stop }
    }

    async fn stop(self) -> TestResult {
        self.stop.send(true)?;
        Ok(self.task.await??)
    }
}

/// Whether an element has this text.
fn text_has(selector: &str, text: &str) -> String {
    format!("document.querySelector('{selector}').textContent.includes('{text}')")
}

/// Whether a table has a row that begins with this name and has this text.
fn row_has(table: &str, name: &str, text: &str) -> String {
    format!(
        "[...document.querySelectorAll('{table} tr')].some(row => \
         row.cells[0].textContent.startsWith('{name}') && row.textContent.includes('{text}'))"
    )
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
