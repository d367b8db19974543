//! Prometheus's text format, version 0.0.4.

use std::fmt::{Display, Write};

use crate::host::meter::Lengths;

/// A page in the making. Each family is written whole, so that its samples stand together.
#[derive(Default)]
pub(super) struct Exposition {
    text: String,
}

/// Names and values, the values of any text.
pub(super) type Labels = Vec<(String, String)>;

impl Exposition {
    pub(super) fn counter(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (Labels, u64)>,
    ) {
        self.plain(name, "counter", help, samples);
    }

    pub(super) fn gauge<N: Display>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (Labels, N)>,
    ) {
        self.plain(name, "gauge", help, samples);
    }

    /// `name` ends in `_seconds`.
    pub(super) fn histogram(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (Labels, Lengths)>,
    ) {
        self.head(name, "histogram", help);
        for (labels, lengths) in samples {
            let bucket = format!("{name}_bucket");
            let bounds = lengths.within.iter().map(|(bound, count)| {
                let bound = bound.as_secs_f64().to_string();
                (bound, *count)
            });
            for (bound, count) in bounds.chain([("+Inf".to_owned(), lengths.count)]) {
                let mut labels = labels.clone();
                labels.push(("le".to_owned(), bound));
                self.sample(&bucket, &labels, count);
            }
            let total = lengths.total.as_secs_f64();
            self.sample(&format!("{name}_sum"), &labels, total);
            self.sample(&format!("{name}_count"), &labels, lengths.count);
        }
    }

    pub(super) fn finish(self) -> String {
        self.text
    }

    fn plain<N: Display>(
        &mut self,
        name: &str,
        kind: &str,
        help: &str,
        samples: impl IntoIterator<Item = (Labels, N)>,
    ) {
        self.head(name, kind, help);
        for (labels, value) in samples {
            self.sample(name, &labels, value);
        }
    }

    // Writing into a String cannot fail.

    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[(String, String)], value: impl Display) {
        self.text.push_str(name);
        for (place, (label, text)) in labels.iter().enumerate() {
            let open = if place == 0 { '{' } else { ',' };
            let _ = write!(self.text, "{open}{label}=\"{}\"", escaped(text));
        }
        if !labels.is_empty() {
            self.text.push('}');
        }
        let _ = writeln!(self.text, " {value}");
    }
}

fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    text.replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn labels(text: &str) -> Labels {
        vec![("output".to_owned(), text.to_owned())]
    }

    #[test]
    fn a_label_may_have_any_text() {
        let mut page = Exposition::default();
        page.counter("a_total", "A.", [(labels("x\"y\\z\nw"), 3)]);
        assert_eq!(
            page.finish(),
            "# HELP a_total A.\n# TYPE a_total counter\na_total{output=\"x\\\"y\\\\z\\nw\"} 3\n"
        );
    }

    #[test]
    fn a_histogram_ends_with_all_its_sum_and_its_count() {
        let lengths = Lengths {
            within: vec![(Duration::from_micros(250), 1), (Duration::from_secs(1), 2)],
            count: 3,
            total: Duration::from_millis(2500),
        };
        let mut page = Exposition::default();
        page.histogram("a_seconds", "A.", [(Labels::new(), lengths)]);
        let samples: Vec<_> = page.text.lines().skip(2).collect();
        assert_eq!(
            samples,
            [
                "a_seconds_bucket{le=\"0.00025\"} 1",
                "a_seconds_bucket{le=\"1\"} 2",
                "a_seconds_bucket{le=\"+Inf\"} 3",
                "a_seconds_sum 2.5",
                "a_seconds_count 3",
            ]
        );
    }
}
