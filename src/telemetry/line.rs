//! A line of the log as Fluentd writes it, so that what reads Fluentd's log reads ours:
//! `2026-11-21 03:00:00 +0000 [warn]: message name=value`.

use std::fmt;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime as _;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::LogTime;

/// Writes lines of text.
pub(super) struct Line {
    pub(super) time: LogTime,
}

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let level = *event.metadata().level();
        self.time.format_time(&mut writer)?;
        match writer.has_ansi_escapes() {
            true => write!(writer, " {}[{}]\x1b[0m: ", color(level), name(level))?,
            false => write!(writer, " [{}]: ", name(level))?,
        }
        context.format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}

/// Fluentd's words.
fn name(level: Level) -> &'static str {
    match level {
        Level::TRACE => "trace",
        Level::DEBUG => "debug",
        Level::INFO => "info",
        Level::WARN => "warn",
        Level::ERROR => "error",
    }
}

fn color(level: Level) -> &'static str {
    match level {
        Level::TRACE => "\x1b[35m",
        Level::DEBUG => "\x1b[34m",
        Level::INFO => "\x1b[32m",
        Level::WARN => "\x1b[33m",
        Level::ERROR => "\x1b[31m",
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;
    use crate::telemetry::OpenFile;

    /// What a subscriber with these lines writes.
    fn written(log: impl FnOnce()) -> String {
        #[derive(Clone, Default)]
        struct Kept(Arc<Mutex<Vec<u8>>>);

        impl std::io::Write for Kept {
            fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
                self.0.lock().unwrap().extend_from_slice(bytes);
                Ok(bytes.len())
            }

            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }

        let kept = Kept::default();
        let open = OpenFile(Arc::new(Mutex::new(Box::new(kept.clone()))));
        let lines = tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .with_writer(move || open.clone())
            .event_format(Line {
                time: LogTime::fluentds(fluent_compat::time::Zone::Utc),
            });
        let subscriber = tracing_subscriber::registry().with(lines);
        tracing::subscriber::with_default(subscriber, log);
        let kept = kept.0.lock().unwrap().clone();
        String::from_utf8(kept).unwrap()
    }

    #[test]
    fn a_line_is_as_fluentd_writes_it() {
        let line = written(|| tracing::warn!(chunk = "5f", count = 3, "could not be delivered"));
        let (time, rest) = line.split_at("2026-11-21 03:00:00 +0000".len());
        assert_eq!(
            rest,
            " [warn]: could not be delivered chunk=\"5f\" count=3\n"
        );
        let shape: String = time
            .chars()
            .map(|c| if c.is_ascii_digit() { '0' } else { c })
            .collect();
        assert_eq!(shape, "0000-00-00 00:00:00 +0000");
    }

    #[test]
    fn a_strangers_text_makes_no_line_of_its_own() {
        let line = written(|| {
            let tag = "a\n2026-11-21 03:00:00 +0000 [error]: made up";
            tracing::info!(tag, "chunk delivered");
        });
        assert_eq!(line.lines().count(), 1, "{line}");
    }
}
