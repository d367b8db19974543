//! One picture of the server: what is wrong, the flow from source to sink, then the details.

use std::collections::VecDeque;
use std::time::Duration;

use super::client::Address;
use super::lines::{Line, Side, Span, Style, cut, table, wrapped};
use super::rates::Rates;
use super::status::{Chunk, ChunkState, Failure, Output, Severity, Source, Status};
use super::text::{bytes, count, gauge, plural, rate, span, sparkline, visible, within};

/// Whether the server answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Link {
    Up,
    /// It does not, and why.
    Away(String),
}

/// What is drawn.
pub(super) struct Frame<'a> {
    pub(super) address: &'a Address,
    pub(super) status: &'a Status,
    pub(super) rates: &'a Rates,
    pub(super) link: &'a Link,
    pub(super) interval: Duration,
}

/// A certificate that ends so soon is shown as a warning.
const SOON: i64 = 30 * 24 * 60 * 60;
/// From so many columns on there is room for what is good to know.
const ROOMY: usize = 100;
/// Chunks that are shown where there is no room for more.
const FEWEST_CHUNKS: usize = 3;
/// Between the three parts of the flow.
const ARROW: &str = " ──▶ ";
/// The lines of each part.
const FLOW_ROWS: usize = 5;

/// The last rates, oldest first.
type Curve = VecDeque<f64>;

impl Frame<'_> {
    /// The whole of it for a terminal of so many columns, and of so many rows, if that counts:
    /// then there are as many chunks as there is room for.
    pub(super) fn lines(&self, width: usize, rows: Option<usize>) -> Vec<Line> {
        let mut lines = vec![self.head(width)];
        lines.extend(self.troubles(width));
        lines.push(Line::default());
        lines.extend(self.flow(width));
        lines.push(Line::default());
        lines.extend(self.sources(width));
        lines.push(Line::default());
        lines.extend(self.outputs(width));
        let failures = self.failures(width);
        let foot = rows.map(|_| self.foot());
        let taken = lines.len() + failures.len() + foot.iter().len();
        // A blank line and the headings.
        let room = rows.map(|rows| rows.saturating_sub(taken + 2).max(FEWEST_CHUNKS));
        lines.extend(self.chunks(width, room.unwrap_or(usize::MAX)));
        lines.extend(failures);
        if let (Some(foot), Some(rows)) = (foot, rows) {
            lines.truncate(rows.saturating_sub(1));
            lines.resize(rows.saturating_sub(1), Line::default());
            lines.push(foot);
        }
        lines
    }

    fn head(&self, width: usize) -> Line {
        let Status {
            version, uptime, ..
        } = self.status;
        let bad = self.problems(Severity::Bad);
        let all = self.status.problems.len();
        let (state, style) = match (self.link, bad, all) {
            (Link::Away(_), _, _) => ("○ away".to_owned(), Style::Bad),
            (Link::Up, 0, 0) => ("● all is well".to_owned(), Style::Good),
            (Link::Up, 0, _) => (format!("● {all} to look at"), Style::Warning),
            (Link::Up, _, _) => (format!("● {all} to look at"), Style::Bad),
        };
        let up = span(*uptime);
        let address = self.address;
        Line::of(format!(" forebay {version}"), Style::Strong)
            .and(format!("  {address}  up {up}"), Style::Soft)
            .at(width.saturating_sub(state.chars().count() + 1))
            .and(state, style)
    }

    fn problems(&self, severity: Severity) -> usize {
        let problems = self.status.problems.iter();
        problems.filter(|one| one.severity == severity).count()
    }

    fn troubles(&self, width: usize) -> Vec<Line> {
        let mut lines = Vec::new();
        if let Link::Away(reason) = self.link {
            let seconds = self.interval.as_secs();
            let text =
                format!("{reason}; trying again every {seconds} s. Below is what it said last");
            let wrapped = wrapped(&text, width.saturating_sub(3), 3).into_iter();
            lines.extend(wrapped.map(|text| Line::of(format!("   {text}"), Style::Bad)));
        }
        lines.extend(self.status.problems.iter().map(|problem| {
            let style = match problem.severity {
                Severity::Bad => Style::Bad,
                Severity::Warning => Style::Warning,
            };
            Line::of(format!(" ▲ {}", visible(&problem.text)), style)
        }));
        lines
    }

    /// Source, buffer and sink beside each other.
    fn flow(&self, width: usize) -> Vec<Line> {
        let gap = ARROW.chars().count();
        let part = (width.saturating_sub(2 * gap + 2) / 3).max(12);
        let (taken, delivered) = self.rates.curves();
        let columns = [
            self.taken(taken, part),
            self.held(part),
            self.delivered(delivered, part),
        ];
        (0..FLOW_ROWS)
            .map(|row| {
                let cells = columns.iter().filter_map(|column| column.get(row));
                let joint = if row == 1 { ARROW.trim_start() } else { "" };
                let mut line = Line::default();
                for (place, cell) in cells.enumerate() {
                    let start = 2 + place * (part + gap);
                    if place > 0 {
                        line = line.at(start - gap).and(joint, Style::Flow);
                    }
                    line = line.at(start).with(cell.clone().cut_to(part));
                }
                line
            })
            .collect()
    }

    fn taken(&self, curve: &Curve, part: usize) -> [Span; FLOW_ROWS] {
        let waiting = self
            .status
            .sources
            .iter()
            .map(|source| source.unanswered)
            .sum();
        [
            Span::new("TAKEN IN AND SYNCED", Style::Soft),
            Span::new(a_second(self.rates.taken()), Style::Strong),
            format!("{} since the start", count(self.status.taken())).into(),
            format!("{} waiting", plural(waiting, "request")).into(),
            Span::new(drawn(curve, part), Style::Flow),
        ]
    }

    fn held(&self, part: usize) -> [Span; FLOW_ROWS] {
        let outputs = &self.status.outputs;
        let buffers = || outputs.iter().filter_map(|output| output.buffer);
        let held = buffers().map(|buffer| buffer.bytes).sum();
        let limit = buffers().map(|buffer| buffer.limit).sum::<u64>();
        let waiting = buffers().map(|buffer| buffer.staged + buffer.queued);
        let sending = outputs.iter().map(|output| output.delivering);
        let chunks = waiting.chain(sending).sum();
        let share = held as f64 / (limit.max(1) as f64);
        let oldest = outputs.iter().filter_map(|output| output.oldest_age).max();
        let style = if share >= 0.8 {
            Style::Warning
        } else {
            Style::Flow
        };
        let limit = bytes(limit);
        let columns = part.saturating_sub(limit.chars().count() + " of ".len());
        [
            Span::new("HELD", Style::Soft),
            Span::new(bytes(held), Style::Strong),
            plural(chunks, "chunk").into(),
            match oldest {
                Some(age) => format!("the oldest {}", span(age)).into(),
                None => "nothing waits".into(),
            },
            Span::new(format!("{} of {limit}", gauge(share, columns)), style),
        ]
    }

    fn delivered(&self, curve: &Curve, part: usize) -> [Span; FLOW_ROWS] {
        let packed = self.status.outputs.iter().map(|output| output.bytes).sum();
        let objects = plural(self.status.objects(), "object");
        let a_minute = self.rates.objects_a_minute().map(rate);
        [
            Span::new("DELIVERED", Style::Soft),
            Span::new(a_second(self.rates.delivered()), Style::Strong),
            format!("{objects}, {}", bytes(packed)).into(),
            match a_minute {
                Some(rate) => format!("{rate} objects a minute").into(),
                None => "- objects a minute".into(),
            },
            Span::new(drawn(curve, part), Style::Flow),
        ]
    }

    fn sources(&self, width: usize) -> Vec<Line> {
        const COLUMNS: [(&str, Side); 7] = [
            ("SOURCE", Side::Left),
            ("EVENTS/S", Side::Right),
            ("ACK P50", Side::Right),
            ("ACK P99", Side::Right),
            ("WAITING", Side::Right),
            ("REFUSED", Side::Right),
            ("CERT ENDS", Side::Right),
        ];
        let sources = &self.status.sources;
        let rows = sources.iter().map(|source| self.source(source, width));
        let rows: Vec<_> = rows.collect();
        let mut lines = table(&COLUMNS, &rows, 0, width);
        for source in sources {
            let mut reasons: Vec<_> = source
                .refused
                .iter()
                .map(|(reason, number)| format!("{} {}", count(*number), reason.replace('_', " ")))
                .collect();
            if source.failed_handshakes > 0 {
                reasons.push(format!("{} handshakes", count(source.failed_handshakes)));
            }
            if !reasons.is_empty() {
                let reasons = reasons.join(", ");
                let text = format!("    {} refused: {reasons}", visible(&source.id));
                lines.push(Line::of(text, Style::Warning));
            }
        }
        lines
    }

    fn source(&self, source: &Source, width: usize) -> Vec<Span> {
        let refused = source.refused.values().sum::<u64>() + source.failed_handshakes;
        let ends = [source.certificates.server, source.certificates.client_ca];
        let certificate = match ends.into_iter().flatten().min() {
            None => "plain HTTP".into(),
            Some(end) => {
                let left = end - self.status.time as i64;
                match left {
                    ..0 => Span::new("has ended", Style::Bad),
                    0..SOON => Span::new(format!("in {}", span(left)), Style::Warning),
                    _ => format!("in {}", span(left)).into(),
                }
            }
        };
        vec![
            visible(&match width {
                ..ROOMY => source.id.clone(),
                _ => format!("{} on {}", source.id, source.address),
            })
            .into(),
            self.rates
                .of_source(&source.id)
                .map_or("-".to_owned(), rate)
                .into(),
            within(source.latency.p50).into(),
            within(source.latency.p99).into(),
            count(source.unanswered).into(),
            match refused {
                0 => "0".into(),
                _ => Span::new(count(refused), Style::Warning),
            },
            certificate,
        ]
    }

    fn outputs(&self, width: usize) -> Vec<Line> {
        const COLUMNS: [(&str, Side); 8] = [
            ("OUTPUT", Side::Left),
            ("STAGED", Side::Right),
            ("QUEUED", Side::Right),
            ("SENDING", Side::Right),
            ("HELD", Side::Right),
            ("OLDEST", Side::Right),
            ("OBJECTS", Side::Right),
            ("LAST", Side::Right),
        ];
        let rows = self.status.outputs.iter().map(|output| self.output(output));
        table(&COLUMNS, &rows.collect::<Vec<_>>(), 0, width)
    }

    fn output(&self, output: &Output) -> Vec<Span> {
        let none = || Span::new("-", Style::Soft);
        let buffer = output.buffer;
        let held = match buffer {
            Some(buffer) if buffer.failing => Span::new("disk fails", Style::Bad),
            Some(buffer) => bytes(buffer.bytes).into(),
            None => none(),
        };
        let last = output.last_success.map(|at| {
            let ago = span(self.status.time as i64 - at);
            match is_failing(output) {
                true => Span::new(format!("{ago} ago"), Style::Warning),
                false => format!("{ago} ago").into(),
            }
        });
        vec![
            visible(&format!("{} ({})", output.id, output.kind)).into(),
            buffer.map_or_else(none, |buffer| count(buffer.staged).into()),
            buffer.map_or_else(none, |buffer| count(buffer.queued).into()),
            count(output.delivering).into(),
            held,
            output.oldest_age.map_or_else(none, |age| span(age).into()),
            count(output.objects).into(),
            last.unwrap_or_else(|| match is_failing(output) {
                true => Span::new("fails", Style::Bad),
                false => none(),
            }),
        ]
    }

    /// The oldest chunks of all outputs, with a blank line before.
    fn chunks(&self, width: usize, most: usize) -> Vec<Line> {
        const COLUMNS: [(&str, Side); 6] = [
            ("CHUNK", Side::Left),
            ("OF", Side::Left),
            ("AGE", Side::Right),
            ("EVENTS", Side::Right),
            ("SIZE", Side::Right),
            ("TAG, KEY", Side::Left),
        ];
        let outputs = self.status.outputs.iter();
        let mut chunks: Vec<_> = outputs
            .flat_map(|output| output.chunks.iter().map(move |chunk| (output, chunk)))
            .collect();
        if chunks.is_empty() {
            return Vec::new();
        }
        chunks.sort_by_key(|(_, chunk)| std::cmp::Reverse(chunk.age));
        let rows = chunks.into_iter().take(most).map(|(output, chunk)| {
            vec![
                whereabouts(chunk),
                visible(&output.id).into(),
                span(chunk.age).into(),
                count(chunk.records).into(),
                bytes(chunk.bytes).into(),
                key(chunk).into(),
            ]
        });
        let rows: Vec<_> = rows.collect();
        let mut lines = vec![Line::default()];
        lines.extend(table(&COLUMNS, &rows, COLUMNS.len() - 1, width));
        lines
    }

    fn failures(&self, width: usize) -> Vec<Line> {
        let mut lines = Vec::new();
        for output in &self.status.outputs {
            let Some(failure) = &output.last_failure else {
                continue;
            };
            if lines.is_empty() {
                lines.push(Line::default());
                lines.push(Line::of("  LAST FAILURES", Style::Soft));
            }
            lines.extend(self.failure(output, failure, width));
        }
        lines
    }

    fn failure(&self, output: &Output, failure: &Failure, width: usize) -> Vec<Line> {
        let ago = span(self.status.time as i64 - failure.time);
        let next = match failure.retry_in {
            Some(wait) => format!("tried again after {}", span(wait.round() as i64)),
            None => "given up".to_owned(),
        };
        let style = match (is_failing(output), failure.retry_in) {
            (_, None) => Style::Bad,
            (true, Some(_)) => Style::Warning,
            (false, Some(_)) => Style::Soft,
        };
        let (failures, given_up) = (count(output.failures), count(output.given_up));
        let id = visible(&output.id);
        let chunk = cut(&failure.chunk, 8);
        let head = format!(
            "  {id}  {ago} ago, {next}; {failures} failures, {given_up} given up; chunk {chunk}"
        );
        let reason = wrapped(&visible(&failure.reason), width.saturating_sub(4), 3);
        let reason = reason.into_iter().map(|text| format!("    {text}"));
        std::iter::once(Line::of(head, style))
            .chain(reason.map(|text| Line::of(text, Style::Plain)))
            .collect()
    }

    fn foot(&self) -> Line {
        let seconds = self.interval.as_secs();
        Line::of(" q", Style::Strong).and(format!(" quits   every {seconds} s"), Style::Soft)
    }
}

/// Whether the last attempt has failed.
fn is_failing(output: &Output) -> bool {
    let failure = output.last_failure.as_ref();
    failure.is_some_and(|failure| output.last_success.is_none_or(|at| at < failure.time))
}

fn a_second(number: Option<f64>) -> String {
    number.map_or_else(
        || "- events/s".to_owned(),
        |n| format!("{} events/s", rate(n)),
    )
}

fn whereabouts(chunk: &Chunk) -> Span {
    match (chunk.state, chunk.retry_in) {
        (ChunkState::Staged, _) => "staged".into(),
        (ChunkState::Queued, _) => Span::new("queued", Style::Flow),
        (ChunkState::Delivering, _) => Span::new("sending", Style::Good),
        (ChunkState::Retrying, wait) => {
            let wait = wait.unwrap_or_default().ceil() as i64;
            Span::new(format!("retry in {}", span(wait)), Style::Warning)
        }
    }
}

/// As many of the last rates as there are columns.
fn drawn(curve: &Curve, columns: usize) -> String {
    let from = curve.len().saturating_sub(columns);
    sparkline(curve.iter().skip(from).copied())
}

/// What its events share, or else its id.
fn key(chunk: &Chunk) -> String {
    let parts = [&chunk.tag, &chunk.key].into_iter().flatten();
    let parts: Vec<_> = parts.map(|text| visible(text)).collect();
    match parts.is_empty() {
        true => chunk.id.clone(),
        false => parts.join("  "),
    }
}

#[cfg(test)]
pub(super) mod testing;

#[cfg(test)]
mod tests;
