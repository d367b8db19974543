//! A headless Chromium, spoken to by the protocol of its developer tools over two pipes.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// How long anything may take: a browser's first start on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);
/// What it is called where it is installed.
const NAMES: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];
/// Nothing but the page: no sandbox, because tests may be root, and no calls home.
const FLAGS: [&str; 16] = [
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--hide-scrollbars",
    "--metrics-recording-only",
    "--mute-audio",
    "--no-first-run",
    "--no-default-browser-check",
];

type Outcome<T> = Result<T, Box<dyn Error>>;

/// The colours that a page is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scheme {
    Light,
    Dark,
}

/// A browser with one tab.
pub(crate) struct Browser {
    child: Child,
    to: pipe::Sender,
    from: BufReader<pipe::Receiver>,
    last_id: u64,
    session: Option<String>,
    complaints: Vec<String>,
    /// Profile and pipes; goes last.
    _directory: TempDir,
}

/// The executable: what `FOREBAY_CHROMIUM` says, or the one that is installed.
///
/// # Errors
/// It says something that is not there.
pub(crate) fn executable() -> Outcome<Option<PathBuf>> {
    if let Some(told) = std::env::var_os("FOREBAY_CHROMIUM") {
        let found = find(Path::new(&told));
        let problem = || {
            format!(
                "FOREBAY_CHROMIUM: there is no {}",
                Path::new(&told).display()
            )
        };
        return Ok(Some(found.ok_or_else(problem)?));
    }
    Ok(NAMES.iter().find_map(|name| find(Path::new(name))))
}

/// A name is looked for in `PATH`.
fn find(name: &Path) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).map(|directory| directory.join(name));
    let mut all = std::iter::once(name.to_owned()).chain(places);
    all.find(|place| place.is_file())
}

impl Browser {
    /// Starts it with a fresh profile.
    pub(crate) async fn start(executable: &Path) -> Outcome<Browser> {
        let directory = tempfile::Builder::new()
            .prefix("forebay-browser-")
            .tempdir()?;
        let (to, from) = (directory.path().join("to"), directory.path().join("from"));
        let made = std::process::Command::new("mkfifo")
            .args([&to, &from])
            .status()?;
        assert!(made.success(), "mkfifo: {made}");
        // Opened for both directions: so neither end waits for the other to be there.
        let mut open = pipe::OpenOptions::new();
        let sender = open.read_write(true).open_sender(&to)?;
        let receiver = open.read_write(true).open_receiver(&from)?;
        let child = Command::new("/bin/sh")
            .args(["-c", "exec \"$@\" 3<\"$TO\" 4>\"$FROM\"", "sh"])
            .arg(executable)
            .args(FLAGS)
            .arg(format!(
                "--user-data-dir={}",
                directory.path().join("profile").display()
            ))
            .arg("about:blank")
            .env("TO", &to)
            .env("FROM", &from)
            .env("HOME", directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let mut browser = Browser {
            child,
            to: sender,
            from: BufReader::new(receiver),
            last_id: 0,
            session: None,
            complaints: Vec::new(),
            _directory: directory,
        };
        browser.open_tab().await?;
        Ok(browser)
    }

    async fn open_tab(&mut self) -> Outcome<()> {
        let target = self
            .call("Target.createTarget", json!({ "url": "about:blank" }))
            .await?;
        let attach = json!({ "targetId": at(&target, "/targetId"), "flatten": true });
        let attached = self.call("Target.attachToTarget", attach).await?;
        self.session = at(&attached, "/sessionId").as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log"] {
            self.call(&format!("{domain}.enable"), json!({})).await?;
        }
        Ok(())
    }

    /// A window of this size, with these colours.
    pub(crate) async fn resize(&mut self, width: u32, height: u32, scheme: Scheme) -> Outcome<()> {
        let metrics = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false,
        });
        self.call("Emulation.setDeviceMetricsOverride", metrics)
            .await?;
        let scheme = match scheme {
            Scheme::Light => "light",
            Scheme::Dark => "dark",
        };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.call("Emulation.setEmulatedMedia", media).await?;
        Ok(())
    }

    /// Opens a page.
    pub(crate) async fn open(&mut self, url: &str) -> Outcome<()> {
        let opened = self.call("Page.navigate", json!({ "url": url })).await?;
        if let Some(error) = at(&opened, "/errorText").as_str() {
            return Err(format!("{url}: {error}").into());
        }
        let loaded = "new Promise(resolve => document.readyState === 'complete' ? resolve(true)
            : addEventListener('load', () => resolve(true)))";
        self.value(loaded).await?;
        Ok(())
    }

    /// The value of an expression in the page; of a promise, what comes of it.
    pub(crate) async fn value(&mut self, expression: &str) -> Outcome<Value> {
        let evaluate = json!({
            "expression": expression, "awaitPromise": true, "returnByValue": true,
        });
        let answer = self.call("Runtime.evaluate", evaluate).await?;
        match answer.get("exceptionDetails") {
            Some(exception) => Err(format!("{expression}: {exception}").into()),
            None => Ok(at(&answer, "/result/value").clone()),
        }
    }

    /// The value of an expression as soon as it is true, looked at whenever the page changes.
    pub(crate) async fn wait_for(&mut self, expression: &str) -> Outcome<Value> {
        let promise = format!(
            "new Promise(resolve => {{
                const look = () => {{ const value = {expression}; if (value) resolve(value); return value; }};
                if (look()) return;
                const observer = new MutationObserver(() => {{ if (look()) observer.disconnect(); }});
                const all = {{ subtree: true, childList: true, characterData: true, attributes: true }};
                observer.observe(document, all);
            }})"
        );
        let value = timeout(PATIENCE, self.value(&promise)).await;
        let late = |_| format!("it has not come true: {expression}");
        value.map_err(late)?
    }

    /// The whole page as a PNG.
    pub(crate) async fn picture(&mut self) -> Outcome<Vec<u8>> {
        let size = self
            .value("[document.documentElement.clientWidth, document.documentElement.scrollHeight]")
            .await?;
        let capture = json!({
            "format": "png", "captureBeyondViewport": true,
            "clip": { "x": 0, "y": 0, "width": at(&size, "/0"), "height": at(&size, "/1"), "scale": 1 },
        });
        let answer = self.call("Page.captureScreenshot", capture).await?;
        let data = at(&answer, "/data").as_str().ok_or("no picture")?;
        Ok(base64::engine::general_purpose::STANDARD.decode(data)?)
    }

    /// What the page has written to the console as a warning or worse, and what it has thrown.
    pub(crate) fn complaints(&mut self) -> Vec<String> {
        std::mem::take(&mut self.complaints)
    }

    /// Ends it.
    pub(crate) async fn close(mut self) -> Outcome<()> {
        self.session = None;
        self.call("Browser.close", json!({})).await?;
        timeout(PATIENCE, self.child.wait()).await??;
        Ok(())
    }

    async fn call(&mut self, method: &str, parameters: Value) -> Outcome<Value> {
        self.last_id += 1;
        let id = self.last_id;
        let session = self.session.as_deref();
        let message = match session {
            Some(session) => {
                json!({ "id": id, "method": method, "params": parameters, "sessionId": session })
            }
            None => json!({ "id": id, "method": method, "params": parameters }),
        };
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.to.write_all(&bytes).await?;
        loop {
            let mut said = Vec::new();
            let read = timeout(PATIENCE, self.from.read_until(0, &mut said)).await;
            read.map_err(|_| format!("the browser says nothing to {method}"))??;
            said.pop();
            let said: Value = serde_json::from_slice(&said)?;
            if at(&said, "/id").as_u64() != Some(id) {
                self.overhear(&said);
            } else if let Some(error) = said.get("error") {
                return Err(format!("{method}: {error}").into());
            } else {
                return Ok(at(&said, "/result").clone());
            }
        }
    }

    fn overhear(&mut self, event: &Value) {
        let parameters = at(event, "/params");
        let complaint = match at(event, "/method").as_str() {
            Some("Runtime.exceptionThrown") => {
                Some(at(parameters, "/exceptionDetails").to_string())
            }
            Some("Runtime.consoleAPICalled") => {
                let kind = at(parameters, "/type").as_str().unwrap_or_default();
                let is_bad = ["warning", "error", "assert"].contains(&kind);
                is_bad.then(|| at(parameters, "/args").to_string())
            }
            Some("Log.entryAdded") => {
                let level = at(parameters, "/entry/level").as_str().unwrap_or_default();
                let is_bad = ["warning", "error"].contains(&level);
                is_bad.then(|| at(parameters, "/entry").to_string())
            }
            _ => None,
        };
        self.complaints.extend(complaint);
    }
}

/// What is there, or null.
fn at<'v>(value: &'v Value, place: &str) -> &'v Value {
    value.pointer(place).unwrap_or(&Value::Null)
}
