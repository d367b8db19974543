//! `@type copy`: several stores for the same events.

use std::pin::Pin;
use std::time::Duration;

use fluent_compat::events::Events;
use fluent_compat::tag::Tag;
use tokio_util::either::Either;
use tracing::error;

use super::EmitError;
use super::filter::Printout;
use super::label::{Label, Target};
use super::output::Delivery;
use crate::host::throttle::Throttle;

/// At most one line a store in this time says that its events are not stored.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// A `<store>`.
pub struct Store {
    name: String,
    policy: StorePolicy,
    target: Target,
    complaints: Throttle,
}

/// The argument of `<store>`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StorePolicy {
    /// What an error of this store means for the request.
    pub on_error: OnError,
    /// When the store gets the events.
    pub turn: Turn,
}

/// What an error of a store means for the request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnError {
    /// It is refused.
    #[default]
    Refuse,
    /// Nothing but a line in the log: `ignore_error`.
    Ignore,
}

/// When a store gets the events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Turn {
    /// Always.
    #[default]
    Always,
    /// If the store before it has not just taken them: `ignore_if_prev_success`.
    UnlessPrevious,
}

impl Store {
    /// A store with its name in the log.
    pub fn new(name: String, policy: StorePolicy, target: Target) -> Self {
        Self {
            name,
            policy,
            target,
            complaints: Throttle::new(LOG_INTERVAL),
        }
    }
}

/// What is to be done with a request's events.
pub(super) struct Plan<'r> {
    /// What filters print before, in their order.
    pub(super) printouts: Vec<Printout<'r>>,
    pub(super) action: Action<'r>,
}

pub(super) enum Action<'r> {
    Copy(Vec<StorePlan<'r>>),
    Deliver(Delivery<'r>),
    Nothing,
}

impl<'r> From<Action<'r>> for Plan<'r> {
    fn from(action: Action<'r>) -> Self {
        Self {
            printouts: Vec::new(),
            action,
        }
    }
}

pub(super) struct StorePlan<'r> {
    store: &'r Store,
    plan: Result<Plan<'r>, EmitError>,
}

/// What becomes of the events in each store. One that must have them and never will
/// refuses the request here, before any other has them.
pub(super) fn plan<'r>(
    stores: &'r [Store],
    labels: &'r [Label],
    tag: &Tag,
    events: &Events,
) -> Result<Plan<'r>, EmitError> {
    let mut plans = Vec::with_capacity(stores.len());
    for store in stores {
        let plan = store.target.plan(labels, tag, events);
        match plan {
            Err(error) if store.policy == StorePolicy::default() => return Err(error),
            plan => plans.push(StorePlan { store, plan }),
        }
    }
    Ok(Action::Copy(plans).into())
}

impl<'r> Plan<'r> {
    /// Most plans are to append to one buffer; the others are in a box, so that the future of
    /// those is not as large as theirs.
    pub(super) fn carry_out(self) -> impl Future<Output = Result<(), EmitError>> + Send + 'r {
        match self.action {
            Action::Deliver(delivery) if self.printouts.is_empty() => {
                Either::Left(delivery.complete())
            }
            _ => Either::Right(Box::pin(self.carry_out_in_turn())),
        }
    }

    async fn carry_out_in_turn(self) -> Result<(), EmitError> {
        for printout in self.printouts {
            printout.print().await;
        }
        match self.action {
            Action::Copy(stores) => copy(stores).await,
            Action::Deliver(delivery) => delivery.complete().await,
            Action::Nothing => Ok(()),
        }
    }
}

/// One store after the other, as in Fluentd: what the first cannot take is not in the
/// second either. A store that is left out counts as one that has not taken the events.
fn copy(
    stores: Vec<StorePlan<'_>>,
) -> Pin<Box<dyn Future<Output = Result<(), EmitError>> + Send + '_>> {
    Box::pin(async move {
        let mut previous_has_them = false;
        for StorePlan { store, plan } in stores {
            if previous_has_them && store.policy.turn == Turn::UnlessPrevious {
                previous_has_them = false;
                continue;
            }
            let outcome = match plan {
                Ok(plan) => plan.carry_out().await,
                Err(error) => Err(error),
            };
            previous_has_them = outcome.is_ok();
            match (outcome, store.policy.on_error) {
                (Err(error), OnError::Ignore) => store.complain(&error),
                (outcome, _) => outcome?,
            }
        }
        Ok(())
    })
}

impl Store {
    fn complain(&self, reason: &EmitError) {
        if let Some(others) = self.complaints.pass() {
            let store = self.name.as_str();
            error!(store, others, %reason, "events are not in a store with ignore_error");
        }
    }
}
