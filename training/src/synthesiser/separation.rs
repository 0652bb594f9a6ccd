//! What one-shots are worth to separation: the engine's analysis by synthesis
//! with the true hits, where nothing but the one-shots can be wrong.

use std::sync::Arc;

use anyhow::Result;
use idm_engine::{
    controls::{Controls, HitSource, Quality},
    experiment::{Experiment, MaskSource},
    model::Model,
    one_shots::Bank,
};
use rayon::prelude::*;

use crate::{
    evaluation::{Estimate, Excerpt, new_engine, pass, score},
    kits::SAMPLE_RATE_HZ,
    render::Piece,
};

/// Mean SI-SDR in decibels over five groups of drums when the engine separates
/// each excerpt with the bank of the same place in `banks`, told the true hits,
/// by synthesis alone, learning nothing. None if nothing sounds. Allocates;
/// uses all threads of the pool.
///
/// # Errors
/// When the engine cannot be made from `model`.
pub fn si_sdr_db(
    excerpts: &[Excerpt],
    banks: &[Arc<Bank>],
    model: &Arc<Model>,
) -> Result<Option<f64>> {
    let estimates: Vec<Estimate> = excerpts
        .par_iter()
        .zip(banks)
        .map(|(excerpt, bank)| {
            let experiment = Experiment {
                masks: MaskSource::Synthesis,
                bank: Some(Arc::clone(bank)),
                ..Experiment::default()
            };
            let mut engine = new_engine(SAMPLE_RATE_HZ, Quality::Standard, model, experiment)?;
            engine.set_controls(&Controls {
                hits: HitSource::Given,
                learning: false,
                ..Controls::default()
            });
            Ok(pass(
                &mut engine,
                excerpt.piece.mix_channels(),
                &excerpt.piece.hits,
            ))
        })
        .collect::<Result<_>>()?;
    let pieces: Vec<&Piece> = excerpts.iter().map(|excerpt| &excerpt.piece).collect();
    let estimates: Vec<&Estimate> = estimates.iter().collect();
    Ok(score("one-shots", &pieces, &estimates).macro_si_sdr_db())
}
