//! The way back from presets to one's own settings.

use nice_plug::plugin::ParamValue;

use crate::params::Values;

/// Most settings that are kept.
const MOST_STEPS: usize = 20;

/// Numbers nearer than this are the same: hosts keep them in a form of their own.
const SAME: f32 = 5e-3;

/// The user's own settings before presets. Outlives the window.
#[derive(Debug, Default)]
pub struct BeforePreset {
    /// The newest last.
    mine: Vec<Values>,
    /// What the last preset has set.
    preset: Values,
    /// How often a state had been loaded when that was.
    loads: u64,
}

impl BeforePreset {
    /// The `present` settings are about to become those of a preset, which sets `values`.
    /// Those of a preset that was only tried are nobody's own.
    pub fn leave(&mut self, mut present: Values, values: &Values) {
        // What no preset sets stays as it is on the way back, too.
        present.retain(|id, _| values.contains_key(id));
        let is_tried = !self.mine.is_empty()
            && self.preset.iter().all(|(id, value)| {
                let present = present.get(id);
                present.is_none_or(|present| are_alike(present, value))
            });
        match self.mine.last_mut() {
            Some(mine) if is_tried => {
                for (id, value) in present {
                    mine.entry(id).or_insert(value);
                }
            }
            _ => {
                self.mine.push(present);
                if self.mine.len() > MOST_STEPS {
                    self.mine.remove(0);
                }
            }
        }
        self.preset.clone_from(values);
    }

    /// So many states were loaded: the settings from before the last one are those of another
    /// state.
    pub fn follow(&mut self, loads: u64) {
        if loads != self.loads {
            self.loads = loads;
            self.mine.clear();
        }
    }

    /// Whether there is a way back.
    pub fn is_known(&self) -> bool {
        !self.mine.is_empty()
    }

    /// The settings to go back to.
    pub fn take(&mut self) -> Option<Values> {
        self.mine.pop()
    }
}

/// Whether all that a preset sets is so in the `present` settings.
pub fn sets(preset: &Values, present: &Values) -> bool {
    let mut all = preset.iter();
    all.all(|(id, value)| present.get(id).is_some_and(|one| are_alike(one, value)))
}

fn are_alike(a: &ParamValue, b: &ParamValue) -> bool {
    match (a, b) {
        (ParamValue::F32(a), ParamValue::F32(b)) => (a - b).abs() < SAME,
        (ParamValue::I32(a), ParamValue::I32(b)) => a == b,
        (ParamValue::Bool(a), ParamValue::Bool(b)) => a == b,
        (ParamValue::String(a), ParamValue::String(b)) => a == b,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::IdmParams;
    use crate::presets;

    #[test]
    fn the_preset_that_is_set_is_known() {
        let present = IdmParams::default().values();
        let factory = presets::factory().iter();
        let set: Vec<&str> = factory
            .filter(|preset| sets(preset.settings(), &present))
            .map(|preset| preset.name.as_str())
            .collect();
        assert_eq!(set, ["Separate"]);
    }

    fn values(level: f32) -> Values {
        Values::from([("level_1".to_owned(), ParamValue::F32(level))])
    }

    fn level(values: Option<Values>) -> Option<f32> {
        match values?.get("level_1") {
            Some(ParamValue::F32(level)) => Some(*level),
            _ => None,
        }
    }

    #[test]
    fn presets_that_are_tried_do_not_take_the_way_back() {
        let mut before = BeforePreset::default();
        assert!(!before.is_known());
        before.leave(values(1.0), &values(2.0));
        before.leave(values(2.000_1), &values(3.0));
        assert_eq!(level(before.take()), Some(1.0));
        assert!(!before.is_known());
        // What was changed after a preset is the user's own.
        before.leave(values(1.0), &values(2.0));
        before.leave(values(2.5), &values(3.0));
        assert_eq!(level(before.take()), Some(2.5));
        assert_eq!(level(before.take()), Some(1.0));
        // Notes are no preset's; a bus is of some.
        let with = |values: Values, id: &str, number: i32| {
            let mut values = values;
            values.insert(id.to_owned(), ParamValue::I32(number));
            values
        };
        before.leave(with(values(1.0), "note_1", 36), &values(2.0));
        before.leave(
            with(values(2.0), "bus_1", 3),
            &with(values(4.0), "bus_1", 0),
        );
        let back = before.take().expect("a way back");
        assert!(!back.contains_key("note_1"));
        assert!(matches!(back.get("bus_1"), Some(ParamValue::I32(3))));
        assert_eq!(level(Some(back)), Some(1.0));
        before.leave(values(1.0), &values(2.0));
        before.follow(0);
        assert!(before.is_known());
        before.follow(1);
        assert!(!before.is_known(), "they were another state's");
        for n in 0..2 * MOST_STEPS {
            before.leave(values(n as f32), &values(-1.0));
        }
        assert_eq!(before.mine.len(), MOST_STEPS);
    }
}
