//! Training material without stems: mixtures and their hits.
//!
//! The hits teach the transcriber. Mask targets come from analysis by
//! synthesis with these hits: templates of other kits are bent towards the
//! recording until their sum explains it, and each drum's share of the sum is
//! its share of the mixture.

mod annotations;
mod discover;
mod explain;
mod heard;
mod notes;
mod passage;
mod quality;
mod scores;
mod source;
mod stems;
mod templates;

pub use annotations::{Annotation, AnnotationFile, read_annotations};
pub use discover::{Recording, find_all_recordings, find_recordings, pairs_remark};
pub use explain::{ClassTemplates, ExplainSettings, Explanation, Stroke, explain};
pub use heard::heard_templates;
pub use notes::note_map;
pub use passage::{DecodedRecording, check_hits, crop, hits_of, read_at_rate, read_mono};
pub use quality::{Quality, quality};
pub use source::{Recordings, RecordingsConfig};
pub use stems::Stems;
pub use templates::starting_templates;
