//! Figures of several rounds.

use std::fmt;

/// The least, the middle and the greatest of some figures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) least: f64,
    pub(crate) middle: f64,
    pub(crate) greatest: f64,
}

impl Spread {
    /// None if there are no figures.
    pub(crate) fn of(figures: impl IntoIterator<Item = f64>) -> Option<Spread> {
        let mut figures: Vec<f64> = figures.into_iter().collect();
        figures.sort_by(f64::total_cmp);
        let last = figures.len().checked_sub(1)?;
        let (low, high) = (figures.get(last / 2)?, figures.get(last.div_ceil(2))?);
        Some(Spread {
            least: *figures.first()?,
            middle: f64::midpoint(*low, *high),
            greatest: *figures.last()?,
        })
    }
}

/// As ratios are written: two digits, the middle one first.
impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Spread {
            least,
            middle,
            greatest,
        } = self;
        write!(f, "{middle:.2} ({least:.2}–{greatest:.2})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_an_even_number_lies_between_two() {
        let spread = Spread::of([4.0, 1.0, 2.0, 3.0]).unwrap();
        assert_eq!(spread.to_string(), "2.50 (1.00–4.00)");
        assert_eq!(Spread::of([7.0]).unwrap().to_string(), "7.00 (7.00–7.00)");
        assert_eq!(Spread::of([]), None);
    }
}
