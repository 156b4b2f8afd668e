//! The cards of a carousel.

use super::node::Node;
use super::violation::{Fault, Flaw};

/// The place of a card among `cards` of them, each of which has one of its own, counted from 0. `taken` are the places
/// of the cards before.
pub(super) fn place(card: &Node<'_, '_>, cards: usize, taken: &mut u16) -> Result<(), Fault> {
    let index = card.need("card_index")?;
    let number = index.number()?;
    let place = (0..cards).find(|place| *place as f64 == number);
    let place = place.ok_or_else(|| {
        index.fault(Flaw::Value, format_args!("must be a whole number from 0 to {}", cards.saturating_sub(1)))
    })?;
    if *taken & 1 << place != 0 {
        return Err(index.fault(Flaw::Value, "must not be that of another card"));
    }
    *taken |= 1 << place;
    Ok(())
}
