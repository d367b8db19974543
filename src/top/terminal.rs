//! The terminal: its size, its keys, and a screen that is given back as it was found.

use std::io::{self, Read, Write};

use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetwinsize, tcsetattr,
};
use tokio::sync::mpsc;

use super::lines::{Ink, Line};

/// The alternate screen, without a cursor and without wrapping.
const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[?7l";
const LEAVE: &str = "\x1b[?7h\x1b[?25h\x1b[?1049l";

/// Columns and rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) columns: usize,
    pub(super) rows: usize,
}

impl Default for Size {
    /// What a terminal has that does not say.
    fn default() -> Self {
        Self {
            columns: 80,
            rows: 24,
        }
    }
}

impl Size {
    /// The terminal's behind the standard output; `None` if there is none, or it does not say.
    pub(super) fn of_stdout() -> Option<Self> {
        let size = tcgetwinsize(io::stdout()).ok()?;
        let (columns, rows) = (usize::from(size.ws_col), usize::from(size.ws_row));
        (columns > 0 && rows > 0).then_some(Self { columns, rows })
    }
}

/// What a user wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Quit,
    Redraw,
}

impl Key {
    fn of(byte: u8) -> Option<Self> {
        // What Ctrl-C, Ctrl-D and Ctrl-L send.
        const INTERRUPT: u8 = 3;
        const END: u8 = 4;
        const FORM_FEED: u8 = 12;
        match byte {
            b'q' | b'Q' | INTERRUPT | END => Some(Self::Quit),
            FORM_FEED => Some(Self::Redraw),
            _ => None,
        }
    }
}

/// The keys that are pressed from now on; none if the standard input is at its end.
///
/// A thread of its own waits for them: a runtime would not end before it has read one more.
pub(super) fn keys() -> mpsc::Receiver<Key> {
    let (sender, receiver) = mpsc::channel(8);
    std::thread::spawn(move || {
        let mut byte = [0];
        while let Ok(1) = io::stdin().read(&mut byte) {
            let [pressed] = byte;
            if let Some(key) = Key::of(pressed)
                && sender.blocking_send(key).is_err()
            {
                return;
            }
        }
    });
    receiver
}

/// The whole terminal, until it is dropped.
pub(super) struct Screen<'a, W: Write> {
    out: &'a mut W,
    /// How the keyboard was; `None` if there is none.
    before: Option<Termios>,
}

impl<'a, W: Write> Screen<'a, W> {
    /// Takes it over.
    pub(super) fn enter(out: &'a mut W) -> io::Result<Self> {
        let before = tcgetattr(io::stdin()).ok();
        if let Some(before) = &before {
            // Keys come one by one, unseen, Ctrl-C and Ctrl-Z as any other: so nothing ends or
            // stops it while the screen is not given back.
            let mut raw = before.clone();
            raw.local_modes -= LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG;
            raw.special_codes[SpecialCodeIndex::VMIN] = 1;
            raw.special_codes[SpecialCodeIndex::VTIME] = 0;
            tcsetattr(io::stdin(), OptionalActions::Now, &raw)?;
        }
        // From here on it is given back, whatever fails.
        let screen = Self { out, before };
        screen.out.write_all(ENTER.as_bytes())?;
        Ok(screen)
    }

    /// Draws the lines from the top, over what was there: nothing flickers.
    pub(super) fn draw(&mut self, lines: &[Line], size: Size, ink: Ink) -> io::Result<()> {
        let mut page = String::from("\x1b[H");
        for (row, line) in lines.iter().take(size.rows).enumerate() {
            if row > 0 {
                page.push_str("\r\n");
            }
            page.push_str(&line.painted(size.columns, ink));
            // NOTE: behind a full line the cursor stands on its last column, not after it.
            if line.width() < size.columns {
                page.push_str("\x1b[K");
            }
        }
        page.push_str("\x1b[J");
        self.out.write_all(page.as_bytes())?;
        self.out.flush()
    }
}

impl<W: Write> Drop for Screen<'_, W> {
    fn drop(&mut self) {
        // Nothing can be done about a terminal that is gone.
        let _ = self.out.write_all(LEAVE.as_bytes());
        let _ = self.out.flush();
        if let Some(before) = &self.before {
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, before);
        }
    }
}
