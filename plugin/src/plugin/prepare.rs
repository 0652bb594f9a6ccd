//! What a new activation finds: the engine, and what the project has for it.

use std::sync::Arc;

use super::{DrumMachine, Kind};
use crate::core::Processor;
use crate::link::Texts;
use crate::model_choice::{ChosenModel, title};

impl<K: Kind> DrumMachine<K> {
    /// Builds or reuses the processor; says in words why there is none.
    pub(super) fn prepare(&mut self, sample_rate_hz: f64) -> Texts {
        // What was to be forgotten is the kit of before, not one that was loaded since.
        if self.link.shared().take_forget()
            && let Some(processor) = &mut self.processor
        {
            processor.forget_kit();
            self.show_evidence();
        }
        if let Some(inbox) = &mut self.kit_inbox {
            inbox.clear();
        }
        let quality = self.params.quality.value().engine();
        let mut texts = Texts::default();
        let model = match self.params.model.current() {
            Ok(ChosenModel { model, changes }) => {
                self.model_changes = changes;
                texts.model_changes = changes;
                model
            }
            Err(error) => {
                self.processor = None;
                texts.problem = format!("the drum model cannot be used: {error}");
                return texts;
            }
        };
        texts.model = title(&model);
        if self
            .processor
            .as_ref()
            .is_some_and(|processor| processor.suits(sample_rate_hz, quality, &model))
        {
            self.restore_kit();
            return texts;
        }
        // Another engine goes on with the kit of this one.
        let mut kit = self.params.kit.current();
        let before = self.processor.as_ref();
        if before.is_some_and(|before| !before.hears_with(&model)) {
            // Another network's description of the kit says nothing to this one.
            Arc::make_mut(&mut kit).embedding.clear();
        }
        match Processor::new(sample_rate_hz, quality, model) {
            Ok(mut processor) => {
                self.params.kit.take_loaded();
                processor.restore_kit(&kit);
                self.params.kit.follow(processor.kit_shelf().clone());
                if let Some(before) = &self.processor {
                    processor.end_notes_of(before);
                }
                self.processor = Some(processor);
            }
            Err(error) => {
                self.processor = None;
                texts.problem = error.to_string();
            }
        }
        self.show_evidence();
        texts
    }

    /// Gives the engine the kit of a project that was loaded meanwhile.
    pub(super) fn restore_kit(&mut self) {
        if let Some(processor) = &mut self.processor
            && let Some(kit) = self.params.kit.take_loaded()
        {
            processor.restore_kit(&kit);
            self.show_evidence();
        }
    }

    /// Gives the engine the user's samples at its rate.
    pub(super) fn restore_own_samples(&mut self) {
        if let Some(inbox) = &mut self.own_inbox {
            inbox.clear();
        }
        if let Some(processor) = &mut self.processor {
            let own = self.params.own_samples.prepare(self.sample_rate_hz);
            if !processor.set_own_sounds(&own)
                && let Some(inbox) = &mut self.own_inbox
            {
                inbox.keep(own);
            }
        }
    }

    /// Tells the editor how well each drum has been learnt. Real-time safe.
    pub(super) fn show_evidence(&self) {
        if let Some(processor) = &self.processor {
            self.link.shared().set_evidence(&processor.evidence());
        }
    }
}
