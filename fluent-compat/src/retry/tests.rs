use super::*;
use proptest::prelude::*;

fn policy(timeout: u64) -> RetryPolicy {
    RetryPolicy {
        wait: Duration::from_secs(1),
        backoff: Backoff::Exponential {
            base: BackoffBase::default(),
            max_interval: None,
        },
        limit: RetryLimit::Until {
            timeout: Duration::from_secs(timeout),
            max_times: None,
        },
        randomize: false,
        secondary: None,
    }
}

/// The seconds at which tries happen, each made when due and failing at once.
fn tries(policy: &RetryPolicy, random: f64) -> Vec<f64> {
    let (mut state, mut verdict) = RetryState::begin(policy);
    let mut at = Vec::new();
    while let Verdict::RetryAt(due) = verdict
        && at.len() < 100
    {
        at.push(due.as_secs_f64());
        verdict = state.fail(policy, due, random);
    }
    at
}

#[test]
fn the_interval_doubles_and_the_last_retry_is_at_the_timeout() {
    assert_eq!(tries(&policy(10), 0.5), [1.0, 3.0, 7.0, 10.0]);
}

#[test]
fn the_interval_stops_growing_at_its_maximum() {
    let backoff = Backoff::Exponential {
        base: BackoffBase::default(),
        max_interval: Some(Duration::from_secs(3)),
    };
    assert_eq!(
        tries(
            &RetryPolicy {
                backoff,
                ..policy(12)
            },
            0.5
        ),
        [1.0, 3.0, 6.0, 9.0, 12.0]
    );
}

#[test]
fn no_retry_at_all_is_given_up_at_once() {
    let limit = RetryLimit::Until {
        timeout: Duration::from_secs(60),
        max_times: Some(0),
    };
    let (_, verdict) = RetryState::begin(&RetryPolicy { limit, ..policy(0) });
    assert_eq!(verdict, Verdict::GiveUp);
}

#[test]
fn a_chunk_tried_forever_is_never_given_up_and_never_goes_to_the_secondary() {
    let policy = RetryPolicy {
        limit: RetryLimit::Forever,
        secondary: Some(SecondaryThreshold::default()),
        ..policy(0)
    };
    assert_eq!(tries(&policy, 0.5).len(), 100);
    let (state, _) = RetryState::begin(&policy);
    assert_eq!(
        state.target(&policy, Duration::from_secs(1_000_000)),
        Target::Primary
    );
}

#[test]
fn a_try_made_late_goes_to_the_secondary_at_once() {
    let policy = RetryPolicy {
        secondary: Some(SecondaryThreshold::default()),
        ..policy(100)
    };
    let (state, _) = RetryState::begin(&policy);
    assert_eq!(
        state.target(&policy, Duration::from_secs(79)),
        Target::Primary
    );
    assert_eq!(
        state.target(&policy, Duration::from_secs(80)),
        Target::Secondary
    );
}

#[test]
fn the_secondary_takes_over_earlier_when_retries_run_out_earlier() {
    let limit = RetryLimit::Until {
        timeout: Duration::from_secs(3600),
        max_times: Some(4),
    };
    let secondary = Some(SecondaryThreshold::default());
    // The four intervals take 15 s, and 12 s are four fifths of them.
    assert_eq!(
        tries(
            &RetryPolicy {
                limit,
                secondary,
                ..policy(0)
            },
            0.5
        ),
        [1.0, 3.0, 7.0, 12.0]
    );
}

#[test]
fn parameters_out_of_range_are_refused() {
    assert_eq!(
        SecondaryThreshold::new(1.0).unwrap_err().to_string(),
        "retry_secondary_threshold is 1, but must lie between 0 and 1, both excluded"
    );
    assert!(BackoffBase::new(0.0).is_err());
    assert!(BackoffBase::new(f64::NAN).is_err());
}

proptest! {
    #[test]
    fn a_random_interval_is_within_an_eighth(random in 0.0..=1.0_f64) {
        let policy = RetryPolicy { randomize: true, limit: RetryLimit::Forever, ..policy(0) };
        let at = tries(&policy, random);
        let second = at[1] - at[0];
        prop_assert!((1.75..=2.25).contains(&second), "{second}");
        prop_assert!((second - (1.75 + 0.5 * random)).abs() < 1e-6);
    }

    #[test]
    fn tries_never_go_back_and_never_pass_the_timeout(
        wait in 0.0..100.0_f64, base in 0.1..10.0_f64, timeout in 0_u64..10_000, random in 0.0..=1.0_f64,
        secondary in prop::option::of(0.01..0.99_f64), max_times in prop::option::of(0_u32..50),
    ) {
        let policy = RetryPolicy {
            wait: Duration::from_secs_f64(wait),
            backoff: Backoff::Exponential { base: BackoffBase::new(base).unwrap(), max_interval: None },
            limit: RetryLimit::Until { timeout: Duration::from_secs(timeout), max_times },
            randomize: true,
            secondary: secondary.map(|share| SecondaryThreshold::new(share).unwrap()),
        };
        let at = tries(&policy, random);
        // The first retry alone may pass the timeout, as in Fluentd.
        prop_assert!(at.iter().skip(1).all(|at| *at <= timeout as f64 + 1e-9), "{at:?}");
        prop_assert!(max_times.is_none_or(|most| at.len() <= most as usize));
    }
}
