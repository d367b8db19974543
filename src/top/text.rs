//! Numbers and strangers' words, short enough for a column.

/// With its thousands apart; millions with one digit.
pub(super) fn count(number: u64) -> String {
    if number >= 10_000_000 {
        return format!("{:.1} M", number as f64 / 1e6);
    }
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// So many of them.
pub(super) fn plural(number: u64, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", count(number))
}

/// A rate, with a digit behind the point as long as that says something.
pub(super) fn rate(number: f64) -> String {
    match number {
        ..0.05 => "0".to_owned(),
        0.05..100.0 => format!("{number:.1}"),
        _ => count(number.round() as u64),
    }
}

/// Bytes in the unit that leaves the fewest digits.
pub(super) fn bytes(number: u64) -> String {
    if number < 1024 {
        return format!("{number} B");
    }
    let mut rest = number as f64 / 1024.0;
    for unit in ["KiB", "MiB", "GiB"] {
        if rest < 1024.0 {
            return match rest < 100.0 {
                true => format!("{rest:.1} {unit}"),
                false => format!("{rest:.0} {unit}"),
            };
        }
        rest /= 1024.0;
    }
    format!("{rest:.1} TiB")
}

/// A time in its largest unit that says something.
pub(super) fn span(seconds: i64) -> String {
    let seconds = seconds.max(0);
    match seconds {
        ..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        172_800..63_072_000 => format!("{} days", seconds / 86_400),
        _ => format!("{} years", seconds / 31_536_000),
    }
}

/// The bound of a histogram's bucket, in milliseconds: the length itself is not known.
pub(super) fn within(millis: Option<f64>) -> String {
    match millis {
        None => "-".to_owned(),
        Some(millis) if millis >= 1_000.0 => format!("≤{} s", millis / 1_000.0),
        Some(millis) => format!("≤{millis} ms"),
    }
}

/// Values as bars, one a column, the highest as high as a line.
pub(super) fn sparkline(values: impl Iterator<Item = f64> + Clone) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = values.clone().fold(0.0, f64::max);
    let bar = |value: f64| {
        let place = match most > 0.0 {
            true => (value / most * (BARS.len() - 1) as f64).round() as usize,
            false => 0,
        };
        BARS.get(place).copied().unwrap_or('█')
    };
    values.map(bar).collect()
}

/// A share of the whole as a bar of so many columns; what is more than nothing shows.
pub(super) fn gauge(share: f64, columns: usize) -> String {
    let filled = (share.clamp(0.0, 1.0) * columns as f64).ceil() as usize;
    let filled = filled.min(columns);
    format!("{}{}", "█".repeat(filled), "░".repeat(columns - filled))
}

/// A stranger's text must not move the cursor.
pub(super) fn visible(text: &str) -> String {
    let shown = text.chars().map(|c| match c.is_control() {
        false => c.to_string(),
        true => c.escape_unicode().to_string(),
    });
    shown.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_short_as_they_can_be_read() {
        for (number, shown) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
            (12_345_678, "12.3 M"),
        ] {
            assert_eq!(count(number), shown);
        }
        for (number, shown) in [(0.0, "0"), (0.04, "0"), (1.25, "1.2"), (1_234.5, "1,235")] {
            assert_eq!(rate(number), shown);
        }
        for (number, shown) in [
            (1023, "1023 B"),
            (1536, "1.5 KiB"),
            (300 << 20, "300 MiB"),
            (5 << 40, "5.0 TiB"),
        ] {
            assert_eq!(bytes(number), shown);
        }
        for (seconds, shown) in [
            (-3, "0 s"),
            (119, "119 s"),
            (3_700, "61 min"),
            (90_000, "25 h"),
            (315_360_000, "10 years"),
        ] {
            assert_eq!(span(seconds), shown);
        }
        assert_eq!(within(Some(0.25)), "≤0.25 ms");
        assert_eq!(within(Some(2_500.0)), "≤2.5 s");
    }

    #[test]
    fn bars_are_as_high_as_what_they_show() {
        assert_eq!(sparkline([0.0, 5.0, 10.0].into_iter()), "▁▅█");
        assert_eq!(sparkline([0.0, 0.0].into_iter()), "▁▁");
        assert_eq!(gauge(0.001, 4), "█░░░");
        assert_eq!(gauge(0.0, 4), "░░░░");
        assert_eq!(gauge(7.0, 4), "████");
    }

    #[test]
    fn a_tag_cannot_paint_the_terminal() {
        assert_eq!(visible("żółw.\x1b[31m"), "żółw.\\u{1b}[31m");
    }
}
