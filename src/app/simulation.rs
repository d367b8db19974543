//! The whole server in paused time: a week of events in seconds, from the bytes of a request
//! to the object.
//!
//! Only the two ends are made up. Requests come through a pipe in memory instead of a
//! socket, objects go to a bucket that lives in the test, and between them is what a
//! `fluent.conf` made. The disk forgets what is not synced.

mod server;
mod store;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use crate::host::fs::crashing::CrashingFs;
use crate::schedule::tests::lab::Answer;
use server::Server;
use store::{Moments, Store};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
/// In minutes.
const WEEK: i64 = 7 * 24 * 60;
const ZONE: &str = "Europe/Berlin";

/// What `timekey_wait` says, in seconds.
const WAIT: i64 = 10 * MINUTE;
/// What may pass after that: `retry_max_interval`, spread by an eighth, which may have begun
/// just before the store was back, and `flush_thread_interval`.
const SLACK: i64 = 6 * MINUTE;

/// How slots are cut, and what the objects of a slot are called.
struct Slots {
    timekey: &'static str,
    format: &'static str,
    end: fn(&Zoned) -> Zoned,
}

const HOURLY: Slots = Slots {
    timekey: "1h",
    format: "%Y%m%d-%H",
    end: |event| {
        let begun = event.timestamp().as_second().div_euclid(HOUR);
        at((begun + 1) * HOUR)
    },
};

const DAILY: Slots = Slots {
    timekey: "1d",
    format: "%Y%m%d",
    end: |event| event.tomorrow().unwrap().start_of_day().unwrap(),
};

/// What happens to the server besides events.
#[derive(Clone, Copy, Debug)]
enum Incident {
    /// The server's clock is set, by so many seconds.
    Jump(i64),
    Kill,
    PowerCut,
    Stop,
    /// Each PUT ends like this, until the next such incident.
    Store(Answer),
}

/// Minutes of the week, and what happens then: outages of hours, each with a restart in it,
/// and a clock that is set ahead and back, once across the end of a slot.
const INCIDENTS: [(i64, Incident); 17] = [
    (7 * 60 + 3, Incident::Stop),
    (20 * 60 + 11, Incident::Kill),
    (26 * 60 + 55, Incident::Jump(7 * MINUTE)),
    (31 * 60, Incident::Jump(-7 * MINUTE)),
    (33 * 60 + 30, Incident::Store(Answer::Refused)),
    (35 * 60, Incident::Kill),
    (38 * 60 + 5, Incident::Store(Answer::Well)),
    (55 * 60 + 9, Incident::PowerCut),
    (73 * 60 + 5, Incident::Store(Answer::Unheard)),
    (73 * 60 + 50, Incident::PowerCut),
    (75 * 60, Incident::Store(Answer::Lost)),
    (77 * 60, Incident::Stop),
    (79 * 60, Incident::Store(Answer::Well)),
    (96 * 60 + 2, Incident::Jump(-80 * MINUTE)),
    (98 * 60 + 40, Incident::PowerCut),
    (101 * 60, Incident::Jump(80 * MINUTE)),
    (140 * 60 + 10, Incident::Store(Answer::Foreign)),
];

/// When [`INCIDENTS`] make objects late, in minutes: outages, and a clock that is slow.
const EXCUSES: [(i64, i64); 3] = [
    (33 * 60 + 30, 38 * 60 + 5),
    (73 * 60 + 5, 79 * 60),
    (96 * 60 + 2, 101 * 60),
];

/// When the server's clock is fast, in minutes, and by how many seconds.
const FAST: (i64, i64, i64) = (26 * 60 + 55, 31 * 60, 7 * MINUTE);

/// A week, what happened in it, and what has come of it.
struct Week {
    slots: Slots,
    begin: i64,
    disk: CrashingFs,
    store: Arc<Store>,
    /// By how much the server's clock is wrong.
    skew: i64,
    /// By number.
    events: Vec<Sent>,
}

/// An event's own time, and when it was posted.
struct Sent {
    time: i64,
    posted: i64,
}

#[test]
fn hourly_objects_of_a_week_with_the_end_of_summer_time_are_exact_and_on_time() {
    Week::from("2026-10-21T22:00:00Z", HOURLY).live();
}

#[test]
fn hourly_objects_of_a_week_with_the_beginning_of_summer_time_are_exact_and_on_time() {
    Week::from("2026-03-25T23:00:00Z", HOURLY).live();
}

#[test]
fn daily_objects_of_a_week_with_the_end_of_summer_time_are_exact_and_on_time() {
    Week::from("2026-10-21T22:00:00Z", DAILY).live();
}

#[test]
fn daily_objects_of_a_week_with_the_beginning_of_summer_time_are_exact_and_on_time() {
    Week::from("2026-03-25T23:00:00Z", DAILY).live();
}

impl Week {
    fn from(begin: &str, slots: Slots) -> Self {
        let disk = CrashingFs::default();
        Self {
            slots,
            begin: begin.parse::<Timestamp>().unwrap().as_second(),
            store: Arc::new(Store::beside(disk.clone())),
            disk,
            skew: 0,
            events: Vec::new(),
        }
    }

    fn live(mut self) {
        let mut minute = 0;
        while minute < WEEK {
            minute = self.live_until_a_restart(minute, WEEK);
        }
        self.store.answer(Answer::Well);
        // The last slot ends, and the wait after it.
        self.live_until_a_restart(WEEK, WEEK + 25 * 60);
        self.check();
    }

    /// One life of the server, each a runtime of its own; gives the minute it ends in.
    fn live_until_a_restart(&mut self, from: i64, end: i64) -> i64 {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let (minute, ended) = runtime.block_on(async {
            let begin = self.begin + from * MINUTE;
            let conf = self.conf();
            let starting = Server::start(&conf, begin, self.skew, &self.disk, &self.store);
            let mut server = starting.await;
            for minute in from..end {
                match self.incident(minute, &server) {
                    Some(Incident::Stop) => {
                        server.stop().await;
                        return (minute + 1, None);
                    }
                    Some(sudden @ (Incident::Kill | Incident::PowerCut)) => {
                        return (minute + 1, Some(sudden));
                    }
                    _ => {}
                }
                self.send_events_of(minute, &mut server).await;
                server.pass_to(self.begin + (minute + 1) * MINUTE).await;
            }
            server.stop().await;
            (end, None)
        });
        drop(runtime);
        if let Some(Incident::PowerCut) = ended {
            self.disk.crash_hard();
        }
        minute
    }

    fn incident(&mut self, minute: i64, server: &Server) -> Option<Incident> {
        let (_, incident) = INCIDENTS.iter().find(|(at, _)| *at == minute)?;
        match *incident {
            Incident::Jump(seconds) => {
                self.skew += seconds;
                server.set_the_clock(seconds);
            }
            Incident::Store(answer) => self.store.answer(answer),
            Incident::Kill | Incident::PowerCut | Incident::Stop => {}
        }
        Some(*incident)
    }

    /// From none to two, some of them a while old, as a handler's backlog is.
    async fn send_events_of(&mut self, minute: i64, server: &mut Server) {
        if minute >= WEEK {
            return;
        }
        let dice = (minute as u64).wrapping_mul(6_364_136_223_846_793_005) >> 33;
        for nth in 0..(dice % 3) as i64 {
            let age = if dice.is_multiple_of(17) {
                3 * HOUR
            } else {
                nth
            };
            let posted = self.begin + minute * MINUTE;
            let time = (posted - age).max(self.begin);
            server.post(self.events.len(), time).await;
            self.events.push(Sent { time, posted });
        }
    }

    fn check(&self) {
        let mut found: BTreeMap<usize, String> = BTreeMap::new();
        for (name, text) in self.store.objects() {
            for line in text.lines() {
                let record: serde_json::Value = serde_json::from_str(line).unwrap();
                let number = record["n"].as_u64().unwrap() as usize;
                let twice = found.insert(number, name.clone());
                assert_eq!(twice, None, "event {number} is in {name}, too");
            }
        }
        for (number, sent) in self.events.iter().enumerate() {
            let event = at(sent.time);
            let name = found.get(&number);
            let name = name.unwrap_or_else(|| panic!("event {number} of {event} is lost"));
            let slot = format!("logs/{}_", event.strftime(self.slots.format));
            assert!(name.starts_with(&slot), "{event} is in {name}");
            let due = (self.slots.end)(&event).timestamp().as_second() + WAIT;
            self.check_moments(due, sent.posted, name, &self.store.moments(name));
        }
        assert_eq!(found.len(), self.events.len());
        let objects = self.store.objects().len();
        println!("{} events in {objects} objects", self.events.len());
    }

    /// Tried when the slot and the wait are over and not before, and stored soon, unless
    /// there is an excuse.
    fn check_moments(&self, due: i64, posted: i64, name: &str, moments: &Moments) {
        let tried = moments.first_try;
        let (from, to, seconds) = FAST;
        let fast_by = match (from..=to).contains(&self.minute_of(tried)) {
            true => seconds,
            false => 0,
        };
        assert!(
            tried + fast_by >= due,
            "{name} is put at {tried}, due at {due}"
        );
        let ready = due.max(posted);
        let excused = EXCUSES.iter().fold(ready, |latest, (from, to)| {
            match (*from..=*to).contains(&self.minute_of(latest)) {
                true => self.begin + to * MINUTE,
                false => latest,
            }
        });
        let stored = moments.stored;
        let in_time = stored <= excused + SLACK;
        assert!(in_time, "{name} is stored at {stored}, ready at {ready}");
    }

    fn minute_of(&self, unix_seconds: i64) -> i64 {
        (unix_seconds - self.begin).div_euclid(MINUTE)
    }

    fn conf(&self) -> String {
        let Slots {
            timekey, format, ..
        } = self.slots;
        format!(
            "<source>
               @type http
               <parse>
                 @type json
                 time_type string
                 time_format %Y-%m-%dT%H:%M:%S
               </parse>
             </source>
             <match **>
               @type s3
               s3_bucket audit
               s3_region eu-central-1
               path logs/
               s3_object_key_format %{{path}}%{{time_slice}}_%{{index}}
               time_slice_format {format}
               <format>
                 @type json
               </format>
               <buffer time>
                 @type file
                 path /buffer
                 timekey {timekey}
                 timekey_wait {WAIT}s
                 timekey_zone {ZONE}
                 flush_thread_interval 10s
                 retry_forever true
                 retry_max_interval 5m
               </buffer>
             </match>"
        )
    }
}

fn at(unix_seconds: i64) -> Zoned {
    let timestamp = Timestamp::from_second(unix_seconds).unwrap();
    timestamp.to_zoned(TimeZone::get(ZONE).unwrap())
}
