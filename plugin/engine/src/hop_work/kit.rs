//! The kit: what is recorded for the learner, and the banks that come back.

use std::sync::Arc;

use super::HopWork;
use crate::{
    drum::{DRUM_COUNT, Drum},
    learner::{KitShelf, LearntKit, NewBank},
    one_shots::Bank,
    playback::Playback,
    separator::SOUNDS_PER_DRUM,
};

impl HopWork {
    /// Back to the model's own one-shots. Real-time safe.
    pub fn forget_kit(&mut self, playback: &mut Playback) {
        self.tape.reset(&mut self.worker);
        self.follower.forget(&mut self.worker);
        let bank = self.first_bank.clone();
        self.use_bank(
            NewBank {
                bank,
                has_new_prior: true,
                is_loaded: true,
            },
            playback,
        );
    }

    /// Takes a saved kit in place of what was learnt. Allocates and waits for
    /// the worker: not while audio plays.
    pub fn restore_kit(&mut self, kit: LearntKit, playback: &mut Playback) {
        self.waiting(|work| {
            work.forget_kit(playback);
            if !kit.is_empty() && work.worker.restore(kit) {
                work.wait_for_bank(true, playback);
            }
        });
    }

    /// Takes a kit in place of what was learnt while audio plays: the model's own sounds
    /// until it is there, a second later. Gives it back if too much waits for the worker.
    /// Real-time safe.
    pub fn load_kit(
        &mut self,
        kit: Box<LearntKit>,
        playback: &mut Playback,
    ) -> Result<(), Box<LearntKit>> {
        if !self.worker.has_room() {
            return Err(kit);
        }
        self.forget_kit(playback);
        self.worker.load(kit)?;
        self.follower.kit_is_loaded();
        Ok(())
    }

    /// Learns from everything that was heard so far. Allocates and waits for
    /// the worker: not while audio plays.
    pub fn finish_learning(&mut self, playback: &mut Playback) {
        self.waiting(|work| {
            work.tape.end_all(&mut work.worker);
            work.wait_for_bank(false, playback);
        });
    }

    /// Does what waits for the worker anyway: nothing that it is sent is lost.
    fn waiting(&mut self, action: impl FnOnce(&mut HopWork)) {
        let is_offline = self.worker.is_offline();
        self.worker.set_offline(true);
        action(self);
        self.worker.set_offline(is_offline);
    }

    fn wait_for_bank(&mut self, is_loaded: bool, playback: &mut Playback) {
        if let Some(bank) = self.follower.wait_for_bank(is_loaded, &mut self.worker) {
            self.use_bank(bank, playback);
        }
    }

    /// Where the learnt kits lie.
    pub fn shelf(&self) -> &Arc<KitShelf> {
        self.worker.shelf()
    }

    /// Plays `new` from now on; templates follow hop by hop. Real-time safe.
    fn use_bank(&mut self, new: NewBank, playback: &mut Playback) {
        let retired = playback.swap_bank(new.bank.clone());
        self.retire(retired);
        let retired = std::mem::replace(&mut self.bank, new.bank);
        self.retire([Some(retired)]);
        if new.is_loaded {
            self.take_beginning();
            self.explainer.forget();
            self.begin_with_kit();
            self.stale_templates = [true; DRUM_COUNT];
        } else if new.has_new_prior {
            // What began with the kit has been taught since, and knows better.
            self.stale_templates = self.from_kit.map(|from_kit| !from_kit);
        }
    }

    /// The next reset begins with the kit of now. Real-time safe.
    pub(super) fn take_beginning(&mut self) {
        if !Arc::ptr_eq(&self.beginning, &self.bank) {
            let retired = std::mem::replace(&mut self.beginning, self.bank.clone());
            self.retire([Some(retired)]);
        }
    }

    /// What was remembered of the recording is forgotten. Drums that the kit knows sound as
    /// they do there, and stand where it says: what is heard from a reset on depends on the kit
    /// alone. Real-time safe.
    pub(super) fn begin_with_kit(&mut self) {
        self.panorama.forget();
        self.repeats.forget();
        self.judge.forget();
        self.taught.forget();
        self.from_kit = Drum::ALL.map(|drum| self.beginning.knows(drum));
        self.unknown_repeats = DRUM_COUNT * SOUNDS_PER_DRUM;
        for drum in Drum::ALL {
            if let Some(spread) = &self.beginning.sound(drum).spread {
                self.panorama.restore(drum, spread);
            }
        }
        self.panorama.settle();
    }

    /// What repeats is known from the kit, a sound per hop, because they are long: the
    /// main sound of each drum first. Real-time safe.
    pub(super) fn begin_repeats(&mut self) {
        let Some(left) = self.unknown_repeats.checked_sub(1) else {
            return;
        };
        let index = DRUM_COUNT * SOUNDS_PER_DRUM - self.unknown_repeats;
        if let Some(drum) = Drum::from_index(index % DRUM_COUNT) {
            let kit = self.beginning.sound(drum);
            self.repeats.begin_with(drum, index / DRUM_COUNT, kit);
        }
        self.unknown_repeats = left;
    }

    /// Says that the same recording begins again. Real-time safe.
    pub fn hear_again(&mut self) {
        self.worker.hear_again();
    }

    /// Lets banks be freed on the worker. Real-time safe.
    pub fn retire<const COUNT: usize>(&mut self, banks: [Option<Arc<Bank>>; COUNT]) {
        for bank in banks.into_iter().flatten() {
            // The first bank lives as long as the engine: nothing to free.
            if !Arc::ptr_eq(&bank, &self.first_bank) {
                self.worker.retire(bank);
            }
        }
    }

    /// Looks up the kit and takes over a new bank, one template per hop. `activity` says how
    /// much of a hit there is in the frame, 0..1; none in silence.
    pub(super) fn follow_kit(
        &mut self,
        frame: u64,
        activity: Option<f32>,
        playback: &mut Playback,
    ) {
        let new = self.follower.step(
            frame,
            self.session.embedding(),
            activity,
            self.tape.finished(),
            self.controls.learning,
            &mut self.worker,
        );
        if let Some(new) = new {
            self.use_bank(new, playback);
        }
        let stale = self.stale_templates.iter().rposition(|stale| *stale);
        if let Some(drum) = stale.and_then(Drum::from_index) {
            self.stale_templates[drum.index()] = false;
            self.begin_template(drum, &self.bank.clone());
        }
    }

    /// The templates with which all that is heard from a reset on begins. Real-time safe.
    pub(super) fn begin_templates(&mut self) {
        let prior = self.beginning.clone();
        for drum in Drum::ALL {
            self.begin_template(drum, &prior);
        }
        self.stale_templates = [false; DRUM_COUNT];
    }

    /// The additive model begins with the kit's sound of `drum` if that was known from the
    /// beginning, or else with that of `prior`. Real-time safe.
    fn begin_template(&mut self, drum: Drum, prior: &Bank) {
        let template = if self.from_kit[drum.index()] {
            self.beginning.template(drum)
        } else {
            prior.own_template(drum)
        };
        self.explainer.set_template(drum, template);
    }

    /// Keeps the separated hop for the learner, and learns what repeats.
    pub(super) fn record(&mut self) {
        let start = self.frame_start();
        let stems = &self.making[..DRUM_COUNT];
        // How sure it is what each of them sounds like, before the user takes sides and before
        // what is known to repeat is taken off.
        let masks = &self.masks[..DRUM_COUNT];
        self.tape.hop(start, stems, masks, &mut self.worker);
        if self.hears_repeats {
            self.repeats.learn(stems);
        }
    }
}
