//! Words that ten thousand points have in common, kept once.

use std::collections::BTreeSet;
use std::sync::Arc;

use watchfire_model::id::PointId;
use watchfire_model::site::Point;

/// The names that points have on their stations, and their quantities, each once: most stations have the same.
#[derive(Default)]
pub(crate) struct Words {
    ids: BTreeSet<PointId>,
    quantities: BTreeSet<Arc<str>>,
}

impl Words {
    /// Gives the point the same text as those before it.
    pub(crate) fn share(&mut self, point: &mut Point) {
        match self.ids.get(&point.id) {
            Some(same) => point.id = same.clone(),
            None => drop(self.ids.insert(point.id.clone())),
        }
        match self.quantities.get(&point.quantity) {
            Some(same) => point.quantity = Arc::clone(same),
            None => drop(self.quantities.insert(Arc::clone(&point.quantity))),
        }
    }
}
