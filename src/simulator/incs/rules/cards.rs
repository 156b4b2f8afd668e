//! The cards of a carousel.

use super::node::JsonNode;
use super::violation::{Violation, ViolationKind};

/// Checks that a card's index is below `count` and not in `taken`, a bit set of the indexes of earlier cards, and
/// adds it.
pub(super) fn take_index(card: &JsonNode<'_, '_>, count: usize, taken: &mut u16) -> Result<(), Violation> {
    let node = card.require("card_index")?;
    let index = node.index(node.number()?, count)?;
    node.check(*taken & 1 << index == 0, ViolationKind::Value, "must differ from that of every other card")?;
    *taken |= 1 << index;
    Ok(())
}
