//! All settings as they are saved, and set again through the host: presets, and the way
//! back from one.

use std::collections::BTreeMap;

use nice_plug::plugin::ParamValue;
use nice_plug::prelude::*;

use super::IdmParams;

/// Values of parameters by their identifiers.
pub type Values = BTreeMap<String, ParamValue>;

/// A parameter whose value has a saved form.
trait Saved: Param {
    fn save(&self) -> ParamValue;

    /// The plain value that `saved` stands for; none if it is of another kind.
    fn read(&self, saved: &ParamValue) -> Option<Self::Plain>;
}

impl Saved for FloatParam {
    fn save(&self) -> ParamValue {
        ParamValue::F32(self.unmodulated_plain_value())
    }

    fn read(&self, saved: &ParamValue) -> Option<f32> {
        match saved {
            ParamValue::F32(value) => Some(*value),
            _ => None,
        }
    }
}

impl Saved for IntParam {
    fn save(&self) -> ParamValue {
        ParamValue::I32(self.unmodulated_plain_value())
    }

    fn read(&self, saved: &ParamValue) -> Option<i32> {
        match saved {
            ParamValue::I32(value) => Some(*value),
            _ => None,
        }
    }
}

impl Saved for BoolParam {
    fn save(&self) -> ParamValue {
        ParamValue::Bool(self.unmodulated_plain_value())
    }

    fn read(&self, saved: &ParamValue) -> Option<bool> {
        match saved {
            ParamValue::Bool(value) => Some(*value),
            _ => None,
        }
    }
}

impl<T: Enum + PartialEq + 'static> Saved for EnumParam<T> {
    fn save(&self) -> ParamValue {
        let index = self.unmodulated_plain_value().to_index();
        let id = T::ids().and_then(|ids| ids.get(index));
        ParamValue::String(id.copied().unwrap_or_default().to_owned())
    }

    fn read(&self, saved: &ParamValue) -> Option<T> {
        let ParamValue::String(id) = saved else {
            return None;
        };
        let index = T::ids()?.iter().position(|other| other == id)?;
        Some(T::from_index(index))
    }
}

/// What is done with every setting.
trait Visitor {
    fn visit<P: Saved>(&mut self, id: &str, param: &P)
    where
        P::Plain: PartialEq;
}

fn visit(params: &IdmParams, visitor: &mut impl Visitor) {
    visitor.visit("main", &params.main_output);
    visitor.visit("bypass", &params.bypass);
    visitor.visit("qual", &params.quality);
    visitor.visit("mask", &params.mask_exponent);
    visitor.visit("learn", &params.learning);
    visitor.visit("resid", &params.residual_level_db);
    visitor.visit("hits", &params.hits);
    for (index, drum) in params.drums.iter().enumerate() {
        let id = |name: &str| format!("{name}_{}", index + 1);
        visitor.visit(&id("level"), &drum.level_db);
        visitor.visit(&id("mute"), &drum.mute);
        visitor.visit(&id("solo"), &drum.solo);
        visitor.visit(&id("sens"), &drum.sensitivity);
        visitor.visit(&id("gap"), &drum.min_gap_ms);
        visitor.visit(&id("iso"), &drum.isolation);
        visitor.visit(&id("blend"), &drum.blend);
        visitor.visit(&id("dyn"), &drum.dynamics);
        visitor.visit(&id("tune"), &drum.tune_semitones);
        visitor.visit(&id("decay"), &drum.decay);
        visitor.visit(&id("play"), &drum.enabled);
        visitor.visit(&id("note"), &drum.note);
        visitor.visit(&id("bus"), &drum.bus);
    }
}

struct Read(Values);

impl Visitor for Read {
    fn visit<P: Saved>(&mut self, id: &str, param: &P)
    where
        P::Plain: PartialEq,
    {
        self.0.insert(id.to_owned(), param.save());
    }
}

struct Write<'a> {
    values: &'a Values,
    setter: &'a ParamSetter<'a>,
}

impl Visitor for Write<'_> {
    fn visit<P: Saved>(&mut self, id: &str, param: &P)
    where
        P::Plain: PartialEq,
    {
        let value = self.values.get(id).and_then(|saved| param.read(saved));
        let Some(value) = value.filter(|value| *value != param.unmodulated_plain_value()) else {
            return;
        };
        self.setter.begin_set_parameter(param);
        self.setter.set_parameter(param, value);
        self.setter.end_set_parameter(param);
    }
}

impl IdmParams {
    /// All settings as they are now. Allocates.
    pub fn values(&self) -> Values {
        let mut read = Read(Values::new());
        visit(self, &mut read);
        read.0
    }

    /// Sets what differs, each as a gesture of its own, so that hosts take note and can
    /// undo it; what is missing or of another kind stays. Allocates.
    ///
    /// The framework's own way to load a state waits for the audio thread, without end
    /// where a host has stopped calling it.
    pub fn set_values(&self, setter: &ParamSetter<'_>, values: &Values) {
        visit(self, &mut Write { values, setter });
    }
}
