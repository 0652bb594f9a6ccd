//! Products of a few rows with one matrix, again and again: a recurrent layer's
//! steps. General matrix products would arrange the matrix anew for each of them.

use multiversion::{multiversion, target::match_target};

/// Columns whose sums are kept in registers.
const PANEL: usize = 32;
/// Rows whose sums are kept in registers.
const MOST_ROWS: usize = 6;

/// A matrix arranged for [`Panels::add_product`].
#[derive(Debug, Clone, Default)]
pub struct Panels {
    inputs: usize,
    outputs: usize,
    /// `[panel][input][PANEL]`; the last panel ends in zeros.
    values: Vec<f32>,
}

impl Panels {
    /// Arranges the matrix whose element from `input` to `output` is
    /// `value(input, output)`. Allocates if it is larger than the one before.
    pub fn arrange(&mut self, inputs: usize, outputs: usize, value: impl Fn(usize, usize) -> f32) {
        (self.inputs, self.outputs) = (inputs, outputs);
        self.values.clear();
        for first in (0..outputs).step_by(PANEL) {
            for input in 0..inputs {
                let columns = first..first + PANEL;
                let column = |output| {
                    if output < outputs {
                        value(input, output)
                    } else {
                        0.0
                    }
                };
                self.values.extend(columns.map(column));
            }
        }
    }

    /// `out += left · matrix`, where `left` is `[rows, inputs]` and `out`
    /// `[rows, outputs]`.
    ///
    /// # Panics
    /// If the sizes do not fit.
    pub fn add_product(&self, out: &mut [f32], left: &[f32]) {
        let rows = left.len() / self.inputs.max(1);
        assert_eq!(left.len(), rows * self.inputs, "inputs of a product");
        assert_eq!(out.len(), rows * self.outputs, "outputs of a product");
        let outs = out.chunks_mut(MOST_ROWS * self.outputs);
        for (out, left) in outs.zip(left.chunks(MOST_ROWS * self.inputs)) {
            product(out, left, &self.values, (self.inputs, self.outputs));
        }
    }
}

/// The product for up to [`MOST_ROWS`] rows.
#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512cd+avx512dq+avx512vl+avx2+fma",
    "x86_64+avx2+fma"
))]
fn product(out: &mut [f32], left: &[f32], panels: &[f32], size: (usize, usize)) {
    match_target! {
        "x86_64+fma" => by_rows::<true>(out, left, panels, size),
        "aarch64" => by_rows::<true>(out, left, panels, size),
        _ => by_rows::<false>(out, left, panels, size),
    }
}

#[inline(always)]
fn by_rows<const FUSED: bool>(out: &mut [f32], left: &[f32], panels: &[f32], size: (usize, usize)) {
    match left.len() / size.0 {
        1 => sums::<1, FUSED>(out, left, panels, size),
        2 => sums::<2, FUSED>(out, left, panels, size),
        3 => sums::<3, FUSED>(out, left, panels, size),
        4 => sums::<4, FUSED>(out, left, panels, size),
        5 => sums::<5, FUSED>(out, left, panels, size),
        _ => sums::<6, FUSED>(out, left, panels, size),
    }
}

#[inline(always)]
fn sums<const ROWS: usize, const FUSED: bool>(
    out: &mut [f32],
    left: &[f32],
    panels: &[f32],
    (inputs, outputs): (usize, usize),
) {
    let rows: [&[f32]; ROWS] = std::array::from_fn(|row| &left[row * inputs..][..inputs]);
    for (panel, columns) in panels.chunks_exact(inputs * PANEL).enumerate() {
        let mut sums = [[0.0_f32; PANEL]; ROWS];
        let (columns, _) = columns.as_chunks::<PANEL>();
        for (input, column) in columns.iter().enumerate() {
            for row in 0..ROWS {
                let x = rows[row][input];
                for lane in 0..PANEL {
                    sums[row][lane] = if FUSED {
                        x.mul_add(column[lane], sums[row][lane])
                    } else {
                        sums[row][lane] + x * column[lane]
                    };
                }
            }
        }
        let first = panel * PANEL;
        let last = outputs.min(first + PANEL);
        for (row, sums) in sums.iter().enumerate() {
            let out = &mut out[row * outputs..][first..last];
            for (out, sum) in out.iter_mut().zip(sums) {
                *out += sum;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn adds_the_product_for_any_number_of_rows() {
        let mut random = Random::new(&[11]);
        let mut panels = Panels::default();
        for (rows, inputs, outputs) in [(1, 3, 5), (4, 33, 64), (6, 7, 70), (15, 20, 31)] {
            let matrix: Vec<f32> = (0..inputs * outputs).map(|_| random.bipolar()).collect();
            let left: Vec<f32> = (0..rows * inputs).map(|_| random.bipolar()).collect();
            let mut out: Vec<f32> = (0..rows * outputs).map(|_| random.bipolar()).collect();
            let before = out.clone();
            panels.arrange(inputs, outputs, |i, o| matrix[i * outputs + o]);
            panels.add_product(&mut out, &left);
            for row in 0..rows {
                for output in 0..outputs {
                    let sum: f32 = (0..inputs)
                        .map(|i| left[row * inputs + i] * matrix[i * outputs + output])
                        .sum();
                    let place = row * outputs + output;
                    assert!((out[place] - before[place] - sum).abs() < 1e-4);
                }
            }
        }
    }
}
