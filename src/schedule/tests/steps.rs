//! One life, ended at each of its steps in turn: every write, sync, rename, removal, cut,
//! sync of the directory, and PUT. A step more, and the last one has had its effect.

use super::lab::{Answer, Expected, Lab};
use super::model::{Act, End, do_one, fail_one};
use crate::host::fs::crashing::dice;

/// As [`CrashingFs::crash`](crate::host::fs::crashing::CrashingFs::crash) asks it.
type Survives = Box<dyn FnMut(usize) -> usize>;

/// A way to lose power, by name.
type Loss = (&'static str, fn() -> Survives);

/// What survives a power cut of what was not synced.
const SURVIVING: [Loss; 5] = [
    ("nothing", || Box::new(|_| 0)),
    ("everything", || Box::new(|most| most)),
    ("the first half of each sector", || {
        Box::new(|most| most / 2)
    }),
    ("this and that", || Box::new(dice(7))),
    ("that and this", || Box::new(dice(1_000_003))),
];

/// Requests of one key and of several, chunks that fill up and that become due, answers of
/// all kinds, and an orderly restart.
fn life() -> Vec<Act> {
    vec![
        Act::Accept(vec![0]),
        Act::Accept(vec![0, 1]),
        Act::Answers(vec![Answer::Unheard, Answer::Late, Answer::Foreign]),
        Act::Accept(vec![0, 0, 0]),
        Act::Accept(vec![0, 1, 2]),
        Act::Pass(75),
        Act::Accept(vec![1]),
        Act::Answers(vec![Answer::Refused, Answer::Lost]),
        Act::Flush,
        Act::Pass(30),
        Act::Accept(vec![2, 2]),
        Act::Restart(End::Stop),
        Act::Accept(vec![2, 1]),
        Act::Answers(vec![Answer::Foreign, Answer::Foreign, Answer::Unheard]),
        Act::Flush,
        Act::Pass(5),
    ]
}

/// The server after so many steps; `None` if it has not got so far.
fn killed_after(steps: u32) -> Option<Lab> {
    killed_in(Lab::new(), steps)
}

fn killed_in(mut lab: Lab, steps: u32) -> Option<Lab> {
    lab.disk.kill_after(steps);
    for act in life() {
        do_one(&mut lab, act);
        if lab.disk.is_killed() {
            return Some(lab);
        }
    }
    None
}

#[test]
fn a_power_cut_at_any_step_loses_nothing_and_repeats_nothing() {
    let mut steps = 0;
    while killed_after(steps).is_some() {
        for (what, surviving) in SURVIVING {
            // Chance has a say in retries: not each life has the same number of steps.
            let Some(mut lab) = killed_after(steps) else {
                continue;
            };
            lab.cut_the_power(surviving());
            lab.start();
            let settled = lab.settle();
            settled.unwrap_or_else(|wrong| panic!("cut at step {steps}, {what} survives: {wrong}"));
        }
        steps += 1;
    }
    let ways = SURVIVING.len();
    println!("the power was cut at each of {steps} steps, in {ways} ways");
    assert!(steps > 100, "{steps} steps");
}

#[test]
fn a_second_power_cut_at_any_step_of_the_restart_does_no_harm_either() {
    // Those of a ledger by itself are in `evidence::tests::lives`: there would be too many.
    let begin = || Lab::with(Expected::Nothing);
    let mut cuts = 0;
    let mut steps = 0;
    while killed_in(begin(), steps).is_some() {
        let mut later = 0;
        loop {
            let Some(mut lab) = killed_in(begin(), steps) else {
                break;
            };
            lab.cut_the_power(dice(u64::from(steps * 1000 + later)));
            lab.disk.kill_after(later);
            lab.start();
            lab.flush();
            lab.pass(5);
            if !lab.disk.is_killed() {
                break;
            }
            lab.cut_the_power(dice(u64::from(later * 1000 + steps)));
            lab.start();
            let settled = lab.settle();
            settled.unwrap_or_else(|wrong| panic!("cut at {steps}, again at {later}: {wrong}"));
            later += 1;
            cuts += 1;
        }
        steps += 1;
    }
    println!("the power was cut {cuts} times during a restart");
    assert!(cuts > 1000, "{cuts} cuts");
}

#[test]
fn a_kill_at_any_step_loses_nothing_and_repeats_nothing() {
    let mut steps = 0;
    while let Some(lab) = killed_after(steps) {
        let settled = lab.settle();
        settled.unwrap_or_else(|wrong| panic!("killed at step {steps}: {wrong}"));
        steps += 1;
    }
    println!("the server was killed at each of {steps} steps");
    assert!(steps > 100, "{steps} steps");
}

#[test]
fn a_failure_of_any_step_loses_nothing_and_repeats_nothing() {
    let steps = {
        let mut lab = Lab::new();
        life().into_iter().for_each(|act| do_one(&mut lab, act));
        lab.disk.operations()
    };
    for failing in 0..steps {
        let mut lab = Lab::new();
        lab.evidence = Expected::Doubtful;
        fail_one(&lab, failing);
        life().into_iter().for_each(|act| do_one(&mut lab, act));
        lab.cut_the_power(dice(failing.into()));
        lab.start();
        let settled = lab.settle();
        settled.unwrap_or_else(|wrong| panic!("step {failing} failed: {wrong}"));
    }
    println!("each of {steps} steps failed once");
    assert!(steps > 100, "{steps} steps");
}
