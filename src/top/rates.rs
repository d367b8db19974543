//! Rates, made of what two looks have counted.

use std::collections::{HashMap, VecDeque};

use super::status::Status;

/// As many looks are remembered, for the curves.
const REMEMBERED: usize = 120;
/// Objects are few: their rate is that of the last minutes, in seconds.
const WINDOW: f64 = 300.0;

/// What happens in a second.
#[derive(Debug)]
pub(super) struct Rates {
    before: Counts,
    /// The object counts of the last minutes, oldest first.
    objects: VecDeque<(f64, u64)>,
    taken: VecDeque<f64>,
    delivered: VecDeque<f64>,
    /// Of each source, by its id.
    sources: HashMap<String, f64>,
}

/// What is counted at a moment.
#[derive(Debug)]
struct Counts {
    time: f64,
    /// When the server was started, more or less.
    started: f64,
    taken: u64,
    delivered: u64,
    sources: HashMap<String, u64>,
}

impl Counts {
    fn of(status: &Status) -> Self {
        let sources = status.sources.iter();
        Self {
            time: status.time,
            started: status.time - status.uptime as f64,
            taken: status.taken(),
            delivered: status.delivered(),
            sources: sources.map(|s| (s.id.clone(), s.events)).collect(),
        }
    }

    /// Whether these are later counts of the same run of the server.
    fn follow(&self, before: &Self) -> bool {
        /// Uptimes are cut to seconds.
        const ROUNDING: f64 = 2.5;
        (self.started - before.started).abs() < ROUNDING
            && self.time > before.time
            && self.taken >= before.taken
            && self.delivered >= before.delivered
    }
}

impl Rates {
    pub(super) fn since(first: &Status) -> Self {
        Self {
            before: Counts::of(first),
            objects: VecDeque::from([(first.time, first.objects())]),
            taken: VecDeque::new(),
            delivered: VecDeque::new(),
            sources: HashMap::new(),
        }
    }

    /// Takes the next look into account. One at a server that was started anew begins a new
    /// count, and the curves go on.
    pub(super) fn add(&mut self, status: &Status) {
        let now = Counts::of(status);
        let before = std::mem::replace(&mut self.before, now);
        let now = &self.before;
        if !now.follow(&before) {
            self.objects = VecDeque::from([(status.time, status.objects())]);
            self.sources.clear();
            return;
        }
        let passed = now.time - before.time;
        let rate = |now: u64, before: u64| now.saturating_sub(before) as f64 / passed;
        remember(&mut self.taken, rate(now.taken, before.taken));
        remember(&mut self.delivered, rate(now.delivered, before.delivered));
        let sources = now.sources.iter().filter_map(|(id, events)| {
            let before = before.sources.get(id)?;
            Some((id.clone(), rate(*events, *before)))
        });
        self.sources = sources.collect();
        self.objects.push_back((status.time, status.objects()));
        while self.objects.len() > 2
            && self
                .objects
                .front()
                .is_some_and(|(time, _)| status.time - time > WINDOW)
        {
            self.objects.pop_front();
        }
    }

    /// Events a second, taken in; `None` before the second look.
    pub(super) fn taken(&self) -> Option<f64> {
        self.taken.back().copied()
    }

    /// Events a second, delivered.
    pub(super) fn delivered(&self) -> Option<f64> {
        self.delivered.back().copied()
    }

    /// The last rates, oldest first.
    pub(super) fn curves(&self) -> (&VecDeque<f64>, &VecDeque<f64>) {
        (&self.taken, &self.delivered)
    }

    /// Events a second of one source.
    pub(super) fn of_source(&self, id: &str) -> Option<f64> {
        self.sources.get(id).copied()
    }

    /// Objects a minute, over the last minutes.
    pub(super) fn objects_a_minute(&self) -> Option<f64> {
        let (first, last) = (self.objects.front()?, self.objects.back()?);
        let passed = last.0 - first.0;
        (passed > 0.0).then(|| last.1.saturating_sub(first.1) as f64 / passed * 60.0)
    }
}

fn remember(curve: &mut VecDeque<f64>, value: f64) {
    curve.push_back(value);
    if curve.len() > REMEMBERED {
        curve.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::top::frame::testing::status;

    #[test]
    fn rates_are_what_has_come_between_two_looks() {
        let mut look = status();
        let mut rates = Rates::since(&look);
        assert_eq!(rates.taken(), None);
        look.time += 2.0;
        look.uptime += 2;
        look.sources[0].events += 30;
        look.outputs[0].events += 10;
        look.outputs[0].objects += 1;
        rates.add(&look);
        assert_eq!((rates.taken(), rates.delivered()), (Some(15.0), Some(5.0)));
        assert_eq!(rates.of_source(&look.sources[0].id), Some(15.0));
        assert_eq!(rates.objects_a_minute(), Some(30.0));
    }

    #[test]
    fn a_server_that_was_started_anew_has_no_negative_rates() {
        let mut look = status();
        let mut rates = Rates::since(&look);
        look.time += 5.0;
        look.uptime = 1;
        look.sources[0].events = 3;
        look.outputs[0].events = 0;
        rates.add(&look);
        assert_eq!((rates.taken(), rates.objects_a_minute()), (None, None));
        look.time += 1.0;
        look.uptime += 1;
        look.sources[0].events += 4;
        rates.add(&look);
        assert_eq!(rates.taken(), Some(4.0));
    }
}
