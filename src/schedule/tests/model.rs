//! Random lives of a server, compared with the ledger of what it has promised:
//! acknowledged ⊆ delivered, nothing twice, nothing that was refused.
//!
//! `PROPTEST_CASES` says how many lives there are (10,000 if it is not set). Shrunken
//! failures are kept in `proptest-regressions/` and lived through first each time.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::lab::{Answer, Expected, Lab};
use crate::host::fs::crashing::dice;

/// What happens to a server.
#[derive(Clone, Debug)]
pub(super) enum Act {
    /// A request; the hours of its events.
    Accept(Vec<u8>),
    Answers(Vec<Answer>),
    Flush,
    /// The clock on the wall is set; minutes.
    Jump(i64),
    /// Minutes.
    Pass(u64),
    Restart(End),
}

/// How a life ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    Kill,
    /// What survives of what is not synced is up to these dice.
    PowerCut(u64),
    Stop,
}

#[derive(Clone, Debug)]
enum Trouble {
    None,
    /// The n-th operation from here fails.
    OneFails(u8),
    /// The server comes to its end after n operations, a PUT being one.
    Ends(u8, End),
}

fn answer() -> impl Strategy<Value = Answer> {
    prop_oneof![
        2 => Just(Answer::Well),
        2 => Just(Answer::Unheard),
        1 => Just(Answer::Late),
        1 => Just(Answer::Lost),
        1 => Just(Answer::Refused),
        1 => Just(Answer::Foreign),
    ]
}

fn sudden_end() -> impl Strategy<Value = End> {
    prop_oneof![Just(End::Kill), any::<u64>().prop_map(End::PowerCut)]
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        8 => prop::collection::vec(0..3_u8, 1..4).prop_map(Act::Accept),
        2 => prop::collection::vec(answer(), 1..5).prop_map(Act::Answers),
        2 => Just(Act::Flush),
        1 => (-150..150_i64).prop_map(Act::Jump),
        3 => (1..90_u64).prop_map(Act::Pass),
        1 => Just(Act::Restart(End::Stop)),
        1 => sudden_end().prop_map(Act::Restart),
    ]
}

fn trouble() -> impl Strategy<Value = Trouble> {
    prop_oneof![
        6 => Just(Trouble::None),
        2 => (0..16_u8).prop_map(Trouble::OneFails),
        2 => (0..16_u8, sudden_end()).prop_map(|(after, end)| Trouble::Ends(after, end)),
    ]
}

#[test]
fn what_is_acknowledged_is_delivered_once_and_what_is_refused_never() {
    let config = Config {
        source_file: Some(file!()),
        ..Config::default()
    };
    let cases = match std::env::var_os("PROPTEST_CASES") {
        Some(_) => config.cases,
        None => 10_000,
    };
    let threads = thread::available_parallelism().map_or(1, usize::from) as u32;
    let (lives, acknowledged) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut config = config.clone();
                config.cases = cases.div_ceil(threads);
                let life = prop::collection::vec((act(), trouble()), 1..20);
                let outcome = TestRunner::new(config).run(&life, |life| {
                    let promised = live(life).map_err(TestCaseError::fail)?;
                    lives.fetch_add(1, Ordering::Relaxed);
                    acknowledged.fetch_add(promised, Ordering::Relaxed);
                    Ok(())
                });
                outcome.unwrap();
            });
        }
    });
    println!("{lives:?} lives, {acknowledged:?} acknowledged events, each delivered once");
}

/// Gives how many events were acknowledged, all of which have been delivered.
fn live(life: Vec<(Act, Trouble)>) -> Result<usize, String> {
    let mut lab = Lab::new();
    for (act, trouble) in life {
        match trouble {
            Trouble::None => do_one(&mut lab, act),
            Trouble::OneFails(nth) => {
                lab.evidence = Expected::Doubtful;
                fail_one(&lab, nth.into());
                do_one(&mut lab, act);
                lab.disk.heal();
            }
            Trouble::Ends(after, how) => {
                lab.disk.kill_after(after.into());
                do_one(&mut lab, act);
                end(&mut lab, how);
                lab.start();
            }
        }
    }
    Ok(lab.settle()?.acknowledged())
}

pub(super) fn do_one(lab: &mut Lab, act: Act) {
    match act {
        Act::Accept(hours) => lab.accept(&hours),
        Act::Answers(answers) => lab.bucket.answers(answers),
        Act::Flush => lab.flush(),
        Act::Jump(minutes) => lab.jump(minutes),
        Act::Pass(minutes) => lab.pass(minutes),
        Act::Restart(how) => {
            end(lab, how);
            lab.start();
        }
    }
}

fn end(lab: &mut Lab, how: End) {
    match how {
        End::Kill => lab.kill(),
        End::PowerCut(seed) => lab.cut_the_power(dice(seed)),
        End::Stop => lab.stop(),
    }
}

pub(super) fn fail_one(lab: &Lab, nth: u32) {
    let mut before = Some(nth);
    lab.disk.fault(move |_, _| {
        let fails = before == Some(0);
        before = before.and_then(|left| left.checked_sub(1));
        fails.then(|| io::Error::other("told to fail"))
    });
}
