//! What has to be computed for some outputs.

use super::{
    graph::{Graph, Origin},
    operators::ValueId,
};

/// The values from which `roots` are computed, through the states too: a state
/// that matters makes everything matter that its next value depends on.
pub(super) fn needed_values(graph: &Graph, roots: &[ValueId]) -> Vec<bool> {
    let mut needed = vec![false; graph.values.len()];
    let mut open = roots.to_vec();
    while let Some(id) = open.pop() {
        if std::mem::replace(&mut needed[id], true) {
            continue;
        }
        match graph.values[id].origin {
            Origin::Node(node) => open.extend(graph.nodes[node].op.reads()),
            Origin::Input => {
                let state = graph.states.iter().find(|state| state.current == id);
                open.extend(state.map(|state| state.next));
            }
            Origin::Constant(_) => {}
        }
    }
    needed
}
