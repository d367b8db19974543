//! The ports that show how the server is. They are bound as those of sources are, and go on
//! through a reload; they end last, so that a probe is told of a stop.

use std::future::ready;
use std::sync::Arc;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::listener::{BindError, Limits, Listener, Terms, Transport};
use crate::monitor::{Config, Monitor, Observe};
use crate::settings::MonitorSource;

/// All monitors.
#[derive(Default)]
pub(super) struct Monitors {
    running: Vec<RunningMonitor>,
    listeners: JoinSet<()>,
}

struct RunningMonitor {
    address: Address,
    terms: Terms,
    service: Monitor,
    /// Cancelled once: the listener takes no more.
    stop: CancellationToken,
}

#[derive(Clone, PartialEq, Eq)]
struct Address {
    bind: String,
    port: u16,
}

/// A monitor that is to run from now on.
pub(super) struct PreparedMonitor {
    address: Address,
    /// `None`: the one at this address runs already.
    bound: Option<Listener>,
    transport: Transport,
    limits: Limits,
    config: Config,
}

impl Monitors {
    /// Binds all ports that are new.
    pub(super) fn prepare(
        &self,
        monitors: Vec<MonitorSource>,
    ) -> Result<Vec<PreparedMonitor>, BindError> {
        let mut free: Vec<_> = self.running.iter().map(|known| &known.address).collect();
        let prepare = |monitor: MonitorSource| {
            let listener = monitor.listener;
            let address = Address {
                bind: listener.bind.clone(),
                port: listener.port,
            };
            let (transport, limits) = (listener.transport.clone(), listener.limits);
            let bound = match free.iter().position(|known| **known == address) {
                Some(place) => {
                    free.swap_remove(place);
                    None
                }
                None => Some(Listener::bind(listener)?),
            };
            Ok(PreparedMonitor {
                address,
                bound,
                transport,
                limits,
                config: monitor.config,
            })
        };
        monitors.into_iter().map(prepare).collect()
    }

    /// Runs these monitors from now on; those that run and are none of these end.
    pub(super) fn switch(&mut self, monitors: Vec<PreparedMonitor>, observed: &Arc<dyn Observe>) {
        let mut before = std::mem::take(&mut self.running);
        for monitor in monitors {
            let place = before.iter().position(|old| old.address == monitor.address);
            let running = match (place, monitor.bound) {
                (Some(place), _) => {
                    let running = before.swap_remove(place);
                    running.terms.switch(monitor.transport, monitor.limits);
                    running.service.switch(monitor.config);
                    running
                }
                (None, Some(listener)) => {
                    let service = Monitor::new(monitor.config, Arc::clone(observed));
                    self.serve(listener, monitor.address, service)
                }
                (None, None) => continue,
            };
            self.running.push(running);
        }
        for gone in before {
            let Address { bind, port } = &gone.address;
            info!(bind, port, "no longer monitored here");
            gone.stop.cancel();
        }
    }

    /// Gives each monitor the transport of the one at the same place: the same configuration
    /// with other certificates.
    pub(super) fn renew(&mut self, monitors: Vec<MonitorSource>) {
        for (running, renewed) in self.running.iter().zip(monitors) {
            running.terms.switch_transport(renewed.listener.transport);
        }
    }

    /// Ends all of them.
    pub(super) async fn stop(mut self) {
        for monitor in &self.running {
            monitor.stop.cancel();
        }
        while self.listeners.join_next().await.is_some() {}
    }

    fn serve(&mut self, listener: Listener, address: Address, service: Monitor) -> RunningMonitor {
        info!(address = %listener.address(), "monitored");
        let stop = CancellationToken::new();
        let running = RunningMonitor {
            address,
            terms: listener.terms(),
            service: service.clone(),
            stop: stop.clone(),
        };
        self.listeners.spawn(async move {
            let answer = move |_peer, request| ready(Ok(service.answer(&request)));
            listener.serve(answer, stop).await;
        });
        running
    }
}
