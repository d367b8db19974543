//! `http.json`: a raw request to a source, the whole answer, and the events that come of it.

use std::collections::BTreeSet;

use forebay_testbed::server::Launch;
use serde_json::{Map, Value};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

use crate::recordings::{Case, bytes_of, run, same};
use crate::{FOREBAY, shown};
use jiff::Timestamp;

/// Writes each event as one line, its tag and time as fields of the record. Without a
/// `<buffer>` the line is written before the answer.
const OUTPUT: &str = "<match **>
  @type stdout
  <format>
    @type json
  </format>
  <inject>
    tag_key recorded_tag
    time_key recorded_time
    time_type string
    time_format %s.%N
  </inject>
</match>
";

/// How far the clock may go on while a request is answered, in seconds.
const NOW: u64 = 60;

#[test]
fn every_recorded_request_is_answered_as_by_fluentd() {
    let runtime = Runtime::new().unwrap();
    run("http.json", |case| runtime.block_on(check(case)));
}

async fn check(case: &Case) -> Result<(), String> {
    let directory = tempfile::tempdir().map_err(shown)?;
    let conf = format!(
        "<source>\n@type http\n{}</source>\n{OUTPUT}",
        on_any_port(&case.text("source"))
    );
    let server = Launch::new(FOREBAY, directory.path())
        .variable("TZ", &case.tz)
        .start(&conf)
        .await
        .map_err(shown)?;
    let mut stream = TcpStream::connect(server.address()).await.map_err(shown)?;
    let request = request_bytes(case.get("request"))?;
    stream.write_all(&request).await.map_err(shown)?;
    let answer = Answer::read(&mut stream).await?;
    drop(stream);
    let exit = server.terminate().await.map_err(shown)?;
    answer.compare(case)?;
    let events = exit
        .stdout
        .lines()
        .map(event_of)
        .collect::<Result<_, _>>()?;
    compare_events(events, case)
}

/// The source's own lines, with a port that the system chooses and loopback as its address.
fn on_any_port(source: &str) -> String {
    let others = source.lines().filter(|line| {
        // What stands in a section is indented, and stays.
        let name = line.split(' ').next();
        !matches!(name, Some("@type" | "port" | "bind"))
    });
    let own = ["port 0", "bind 127.0.0.1"];
    own.into_iter()
        .chain(others)
        .map(|line| format!("{line}\n"))
        .collect()
}

fn request_bytes(request: &Value) -> Result<Vec<u8>, String> {
    let text = |name: &str| request.get(name).and_then(Value::as_str).ok_or("no text");
    let mut head = format!(
        "{} {} HTTP/1.1\r\nHost: 127.0.0.1\r\n",
        text("method")?,
        text("path")?
    );
    let headers = request.get("headers").and_then(Value::as_object);
    for (name, value) in headers.into_iter().flatten() {
        head += &format!("{name}: {}\r\n", value.as_str().ok_or("no header")?);
    }
    let body = request.get("body").and_then(bytes_of);
    if let Some(body) = &body {
        head += &format!("Content-Length: {}\r\n", body.len());
    }
    Ok([head.as_bytes(), b"\r\n", &body.unwrap_or_default()].concat())
}

/// An answer as it came over the wire.
struct Answer {
    status: String,
    /// Names in lower case; without `Date`, which a server may add.
    headers: BTreeSet<(String, String)>,
    body: String,
}

impl Answer {
    /// Reads the head, and as much as it announces.
    async fn read(stream: &mut TcpStream) -> Result<Answer, String> {
        let mut bytes = Vec::new();
        let end = loop {
            if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break end;
            }
            if stream.read_buf(&mut bytes).await.map_err(shown)? == 0 {
                return Err("the connection ended in the head of the answer".to_owned());
            }
        };
        let mut body = bytes.split_off(end + 4);
        let head = String::from_utf8(bytes).map_err(shown)?;
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 "));
        let headers: BTreeSet<(String, String)> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .filter(|(name, _)| name != "date")
            .collect();
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let length = length.map_or(Ok(0), |(_, length)| length.parse());
        let length: usize = length.map_err(shown)?;
        let missing = length.saturating_sub(body.len());
        let mut rest = vec![0; missing];
        stream.read_exact(&mut rest).await.map_err(shown)?;
        body.extend(rest);
        Ok(Answer {
            status: status.ok_or("no status line")?.to_owned(),
            headers,
            body: String::from_utf8(body).map_err(shown)?,
        })
    }

    fn compare(mut self, case: &Case) -> Result<(), String> {
        let mut recorded = Answer::recorded(case.get("response"))?;
        // The reason of a refusal is in our own words, and whether its connection goes on is
        // our own affair: the table of differences holds us to both, a recording to neither.
        if case.difference.is_none() && recorded.status.starts_with("400") {
            self.leave_out_the_reason();
            recorded.leave_out_the_reason();
        }
        // The words beside the number are for people, and HTTP has since changed them.
        same(self.code(), recorded.code())?;
        same(&self.body, &recorded.body)?;
        same(&self.headers, &recorded.headers)
    }

    fn recorded(response: &Value) -> Result<Answer, String> {
        let text = |name: &str| response.get(name).and_then(Value::as_str).ok_or("no text");
        let headers = response.get("headers").and_then(Value::as_array);
        let pairs = headers.into_iter().flatten().filter_map(|pair| {
            let name = pair.get(0)?.as_str()?.to_lowercase();
            Some((name, pair.get(1)?.as_str()?.to_owned()))
        });
        Ok(Answer {
            status: text("status")?.to_owned(),
            headers: pairs.filter(|(name, _)| name != "date").collect(),
            body: text("body")?.to_owned(),
        })
    }

    fn code(&self) -> &str {
        self.status.split(' ').next().unwrap_or_default()
    }

    fn leave_out_the_reason(&mut self) {
        self.body = self.body.lines().next().unwrap_or_default().to_owned();
        let ours = ["content-length", "connection"];
        self.headers
            .retain(|(name, _)| !ours.contains(&name.as_str()));
    }
}

/// Tag, time and record of a line.
type Event = (String, String, Value);

fn event_of(line: &str) -> Result<Event, String> {
    let mut record: Map<String, Value> = serde_json::from_str(line).map_err(shown)?;
    let mut injected = |name: &str| match record.shift_remove(name) {
        Some(Value::String(text)) => Ok(text),
        found => Err(format!("{name} is {found:?} in {line}")),
    };
    let (tag, time) = (injected("recorded_tag")?, injected("recorded_time")?);
    Ok((tag, time, Value::Object(record)))
}

fn compare_events(mut found: Vec<Event>, case: &Case) -> Result<(), String> {
    let recorded = case.get("events").as_array().ok_or("no events")?;
    let recorded: Vec<Event> = recorded
        .iter()
        .map(|event| {
            let text = |name: &str| Some(event.get(name)?.as_str()?.to_owned());
            Some((text("tag")?, text("time")?, event.get("record")?.clone()))
        })
        .collect::<Option<_>>()
        .ok_or("an event without tag, time or record")?;
    for ((_, time, _), (_, wanted, _)) in found.iter_mut().zip(&recorded) {
        if wanted == "now" && is_now(time) {
            wanted.clone_into(time);
        }
    }
    same(&found, &recorded)
}

fn is_now(time: &str) -> bool {
    let seconds = time.split('.').next().and_then(|text| text.parse().ok());
    let now = Timestamp::now().as_second();
    seconds.is_some_and(|then: i64| now.abs_diff(then) <= NOW)
}
