//! All settings as they are saved, repaired, and set again through the host: presets, and
//! the way back from one.

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

    /// `saved` as this parameter saves it, forced into range; none if it makes no sense.
    fn repair(&self, saved: &ParamValue) -> Option<ParamValue>;
}

/// A saved number of either kind.
fn number(saved: &ParamValue) -> Option<f32> {
    let number = match saved {
        ParamValue::F32(number) => Some(*number),
        ParamValue::I32(number) => Some(*number as f32),
        ParamValue::Bool(_) | ParamValue::String(_) => None,
    };
    number.filter(|number| number.is_finite())
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

    fn repair(&self, saved: &ParamValue) -> Option<ParamValue> {
        let [low, high] = [0.0, 1.0].map(|end| self.range().unnormalize(end));
        Some(ParamValue::F32(number(saved)?.clamp(low, high)))
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

    fn repair(&self, saved: &ParamValue) -> Option<ParamValue> {
        let [low, high] = [0.0, 1.0].map(|end| self.range().unnormalize(end));
        let number = number(saved)?.round() as i32;
        Some(ParamValue::I32(number.clamp(low, high)))
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

    fn repair(&self, saved: &ParamValue) -> Option<ParamValue> {
        self.read(saved).map(ParamValue::Bool)
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

    fn repair(&self, saved: &ParamValue) -> Option<ParamValue> {
        let ids = T::ids()?;
        let id = match saved {
            ParamValue::String(id) => ids.iter().find(|other| *other == id),
            ParamValue::I32(index) => ids.get(usize::try_from(*index).ok()?),
            _ => None,
        };
        Some(ParamValue::String((*id?).to_owned()))
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
    visitor.visit("mute_10", &params.residual_mute);
    visitor.visit("solo_10", &params.residual_solo);
    for (index, name) in params.names.iter().enumerate() {
        visitor.visit(&format!("as_{}", index + 1), &name.heard_as);
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

struct Repair<'a> {
    found: &'a Values,
    good: Values,
}

impl Visitor for Repair<'_> {
    fn visit<P: Saved>(&mut self, id: &str, param: &P)
    where
        P::Plain: PartialEq,
    {
        let good = self.found.get(id).and_then(|saved| param.repair(saved));
        self.good.extend(good.map(|good| (id.to_owned(), good)));
    }
}

/// Forces the saved values of all parameters into range; what makes no sense, or is of no
/// parameter, is left out. Allocates.
pub fn repair(values: &mut Values) {
    let params = IdmParams::default();
    let mut repair = Repair {
        found: values,
        good: Values::new(),
    };
    visit(&params, &mut repair);
    repair.visit("rev", &params.revision);
    *values = repair.good;
}

/// Gives parameters without a saved value their defaults. Allocates.
pub fn complete(values: &mut Values) {
    let params = IdmParams::default();
    let mut read = Read(Values::new());
    visit(&params, &mut read);
    read.visit("rev", &params.revision);
    for (id, default) in read.0 {
        values.entry(id).or_insert(default);
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
