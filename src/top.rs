//! `forebay top`: what a running server does, live in a terminal.
//!
//! It asks the server's monitor port for `/api/status.json`, as the status page does, and makes
//! rates of two answers. A server that goes away is waited for.

mod client;
mod frame;
mod lines;
mod rates;
mod status;
mod terminal;
mod text;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{Instant, interval, sleep_until};

use self::client::{Client, LookError};
use self::frame::{Frame, Link};
use self::lines::Ink;
use self::rates::Rates;
use self::status::Status;
use self::terminal::{Key, Screen, Size, keys};
use crate::cli::TopCommand;
use crate::host::environment::wants_color;

/// Why nothing can be shown.
#[derive(Debug, thiserror::Error)]
enum TopError {
    /// It has never been seen, so it is rather the address that is wrong.
    #[error(
        "{error}\nthe server needs a port to be asked at: `<source> @type monitor_agent` \
         (port 24220) or `@type prometheus` (port 24231) in its configuration"
    )]
    Nobody { error: LookError },
    /// The address cannot be one.
    #[error(transparent)]
    Address(#[from] client::AddressError),
    /// The terminal, or the pipe.
    #[error("the terminal cannot be used: {0}")]
    Terminal(#[from] io::Error),
}

/// Shows the server until the user has seen enough, or once. What it shows goes to `out`.
///
/// Returns 0, or 1 if there is no server to show.
pub(crate) fn run(command: &TopCommand, out: &mut impl Write, err: &mut impl Write) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let shown = runtime
        .map_err(TopError::from)
        .and_then(|runtime| runtime.block_on(show(command, out)));
    match shown {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read the other end of the pipe has seen enough.
        Err(TopError::Terminal(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(error) => {
            // Nothing can be done about a closed terminal.
            let _ = writeln!(err, "forebay: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn show(command: &TopCommand, out: &mut impl Write) -> Result<(), TopError> {
    let clients = Client::candidates(command.url.as_deref())?;
    let (client, first) = first_of(clients).await?;
    let rates = Rates::since(&first);
    let top = Top {
        client,
        status: first,
        rates,
        link: Link::Up,
    };
    // What is not a terminal cannot be drawn on again and again.
    match command.once || !io::stdout().is_terminal() {
        true => top.once(command, out).await,
        false => top.live(command, out).await,
    }
}

/// The first server that answers; the last one's error if none does.
async fn first_of(clients: Vec<Client>) -> Result<(Client, Status), TopError> {
    let mut failure = None;
    for client in clients {
        match client.look().await {
            Ok(status) => return Ok((client, status)),
            // Where nobody has said which port, the first is the one to talk about.
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    let error = failure.unwrap_or(LookError::NoAddress);
    Err(TopError::Nobody { error })
}

struct Top {
    client: Client,
    /// The last answer.
    status: Status,
    rates: Rates,
    link: Link,
}

impl Top {
    /// A second look, one interval later, and then all that there is to see.
    async fn once(mut self, command: &TopCommand, out: &mut impl Write) -> Result<(), TopError> {
        sleep_until(Instant::now() + command.interval).await;
        match self.client.look().await {
            Ok(status) => self.seen(status),
            Err(error) => return Err(TopError::Nobody { error }),
        }
        let ink = match io::stdout().is_terminal() && wants_color() {
            true => Ink::Color,
            false => Ink::Plain,
        };
        let size = Size::of_stdout().unwrap_or_default();
        let width = size.columns.max(Size::default().columns);
        for line in self.frame(command).lines(width, None) {
            writeln!(out, "{}", line.painted(width, ink))?;
        }
        Ok(out.flush()?)
    }

    /// Draws until `q` or a signal. The terminal is left as it was found, however it ends.
    async fn live(mut self, command: &TopCommand, out: &mut impl Write) -> Result<(), TopError> {
        let ink = match wants_color() {
            true => Ink::Color,
            false => Ink::Plain,
        };
        let mut screen = Screen::enter(out)?;
        let mut keys = keys();
        let mut resized = signal(SignalKind::window_change())?;
        let mut terminated = signal(SignalKind::terminate())?;
        let mut interrupted = signal(SignalKind::interrupt())?;
        let mut ticks = interval(command.interval);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        // The first tick comes at once, and the first look was just made.
        ticks.tick().await;
        loop {
            let size = Size::of_stdout().unwrap_or_default();
            let lines = self.frame(command).lines(size.columns, Some(size.rows));
            screen.draw(&lines, size, ink)?;
            tokio::select! {
                _ = ticks.tick() => self.look().await,
                key = next(&mut keys) => match key {
                    Key::Quit => return Ok(()),
                    Key::Redraw => {}
                },
                _ = resized.recv() => {}
                _ = terminated.recv() => return Ok(()),
                _ = interrupted.recv() => return Ok(()),
            }
        }
    }

    async fn look(&mut self) {
        match self.client.look().await {
            Ok(status) => self.seen(status),
            Err(error) => self.link = Link::Away(error.to_string()),
        }
    }

    fn seen(&mut self, status: Status) {
        self.rates.add(&status);
        self.status = status;
        self.link = Link::Up;
    }

    fn frame<'a>(&'a self, command: &TopCommand) -> Frame<'a> {
        Frame {
            address: self.client.address(),
            status: &self.status,
            rates: &self.rates,
            link: &self.link,
            interval: command.interval,
        }
    }
}

/// The next key; never, if there is no keyboard.
async fn next(keys: &mut mpsc::Receiver<Key>) -> Key {
    match keys.recv().await {
        Some(key) => key,
        None => std::future::pending().await,
    }
}
