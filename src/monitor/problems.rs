//! What somebody should look at, in a few words: the head of the status page and of
//! `forebay top`.

use super::report::{OutputReport, Report, SourceReport};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Severity {
    /// Events are refused, or are not on their way any more.
    Bad,
    /// It will become bad unless somebody does something, or goes away by itself.
    Warning,
}

impl Severity {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Bad => "bad",
            Self::Warning => "warning",
        }
    }
}

/// One thing to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) severity: Severity,
    pub(super) text: String,
}

/// A certificate that ends so soon is warned of, as in the log.
const SOON: i64 = 30 * DAY;
const DAY: i64 = 24 * 60 * 60;
/// Teleport's client waits three times as long, and a healthy disk answers in milliseconds.
const SLOW_ANSWER: u64 = 10;

/// All of them, the bad ones first.
pub(super) fn problems(report: &Report) -> Vec<Problem> {
    let mut found: Vec<_> = report
        .shortcomings()
        .iter()
        .map(|shortcoming| bad(shortcoming.to_string()))
        .collect();
    for output in &report.outputs {
        of_output(output, &mut found);
    }
    for source in &report.sources {
        of_source(source, report.now.seconds(), &mut found);
    }
    found.sort_by_key(|problem| problem.severity == Severity::Warning);
    found
}

fn of_output(output: &OutputReport, found: &mut Vec<Problem>) {
    let OutputReport {
        id,
        buffer,
        deliveries,
        ..
    } = output;
    if let Some(buffer) = buffer {
        let share = 100.0 - buffer.space_ratio();
        if share >= 80.0 && !buffer.is_full() {
            found.push(warning(format!("the buffer of {id} is {share:.0} % full")));
        }
        match buffer.meters.dropped_chunks.value() {
            0 => {}
            1 => found.push(bad(format!("{id} has dropped a chunk"))),
            count => found.push(bad(format!("{id} has dropped {count} chunks"))),
        }
    }
    match deliveries.given_up.value() {
        0 => {}
        1 => found.push(bad(format!("{id} has given a chunk up"))),
        count => found.push(bad(format!("{id} has given {count} chunks up"))),
    }
    if deliveries.retry_wait().is_some() {
        let waiting = buffer
            .as_ref()
            .map_or(0, |buffer| buffer.contents.queued.count);
        let chunks = if waiting == 1 {
            "chunk waits"
        } else {
            "chunks wait"
        };
        found.push(warning(format!(
            "deliveries of {id} fail; {waiting} {chunks}"
        )));
    }
}

fn of_source(source: &SourceReport, now: i64, found: &mut Vec<Problem>) {
    let id = &source.id;
    let ends = [
        ("server", source.expiry.server),
        ("client CA", source.expiry.client_ca),
    ];
    for (certificate, end) in ends {
        let Some(left) = end.map(|end| end - now) else {
            continue;
        };
        match left {
            ..0 => found.push(bad(format!(
                "the {certificate} certificate of {id} has ended"
            ))),
            0..SOON => {
                let days = left / DAY;
                let text = format!("the {certificate} certificate of {id} ends in {days} days");
                found.push(warning(text));
            }
            _ => {}
        }
    }
    if let Some(age) = source.traffic.unanswered.oldest_age()
        && age >= SLOW_ANSWER
    {
        found.push(warning(format!("a request to {id} waits for {age} s")));
    }
}

fn bad(text: String) -> Problem {
    let severity = Severity::Bad;
    Problem { severity, text }
}

fn warning(text: String) -> Problem {
    let severity = Severity::Warning;
    Problem { severity, text }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use fluent_compat::chunk::ChunkId;
    use fluent_compat::time::EventTime;

    use super::*;
    use crate::monitor::testing::report;
    use crate::schedule::{Failure, Meters};

    fn told(report: &Report) -> Vec<String> {
        let problems = problems(report);
        let told = problems.iter();
        told.map(|problem| format!("{}: {}", problem.severity.name(), problem.text))
            .collect()
    }

    fn fail(meters: &Meters, retry_in: Option<Duration>) {
        meters.note(Failure {
            at: EventTime::new(9_990, 0),
            chunk: ChunkId::from_bytes([1; 16]),
            reason: "no".to_owned(),
            retry_in,
        });
    }

    #[test]
    fn what_goes_well_is_no_problem() {
        let mut report = report();
        report.sources[0].expiry.server = Some(10_000 + SOON);
        assert_eq!(told(&report), Vec::<String>::new());
    }

    #[test]
    fn what_is_bad_comes_first() {
        let mut report = report();
        report.sources[0].expiry.server = Some(10_000 + 3 * DAY);
        report.sources[0].expiry.client_ca = Some(9_999);
        let output = &mut report.outputs[0];
        output.buffer.as_mut().unwrap().contents.held = 850_000;
        fail(&output.deliveries, None);
        fail(&output.deliveries, Some(Duration::from_secs(5)));
        assert_eq!(
            told(&report),
            [
                "bad: audit has given a chunk up",
                "bad: the client CA certificate of http:9880 has ended",
                "warning: the buffer of audit is 85 % full",
                "warning: deliveries of audit fail; 1 chunk waits",
                "warning: the server certificate of http:9880 ends in 3 days",
            ]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_waits_long_is_told() {
        let report = report();
        let _begun = report.sources[0]
            .traffic
            .unanswered
            .begin(tokio::time::Instant::now());
        tokio::time::advance(Duration::from_secs(12)).await;
        let told = told(&report);
        assert!(told.contains(&"warning: a request to http:9880 waits for 12 s".to_owned()));
    }
}
