//! Element-wise functions, softmax, and what makes values fit to live on.
//!
//! Additions, multiplications and divisions only, each rounded by itself: all
//! processors give the same bits. All functions are real-time safe.

// The macro that compiles a function for several instruction sets calls the
// copies through `unsafe`, after it has asked the processor what it has.
#![allow(unsafe_code)]

use multiversion::multiversion;

use super::{
    math,
    operators::{Binary, Unary},
};

#[inline(always)]
fn map(input: &[f32], output: &mut [f32], function: impl Fn(f32) -> f32) {
    for (output, &x) in output.iter_mut().zip(input) {
        *output = function(x);
    }
}

/// `output = function(input)`, element by element.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
pub(super) fn unary(function: Unary, input: &[f32], output: &mut [f32]) {
    match function {
        // Written so that NaN becomes zero.
        Unary::Relu => map(input, output, |x| if x > 0.0 { x } else { 0.0 }),
        Unary::Sigmoid => map(input, output, math::sigmoid),
        Unary::Tanh => map(input, output, math::tanh),
    }
}

#[inline(always)]
fn zip(left: &[f32], right: &[f32], output: &mut [f32], function: impl Fn(f32, f32) -> f32) {
    for ((output, &left), &right) in output.iter_mut().zip(left).zip(right) {
        *output = function(left, right);
    }
}

/// Repeats the shorter operand.
#[inline(always)]
fn zip_repeating(
    left: &[f32],
    right: &[f32],
    output: &mut [f32],
    function: impl Fn(f32, f32) -> f32 + Copy,
) {
    match (left, right) {
        ([left], _) => map(right, output, |right| function(*left, right)),
        (_, [right]) => map(left, output, |left| function(left, *right)),
        _ if left.len() >= right.len() => {
            let len = right.len();
            for (output, left) in output.chunks_exact_mut(len).zip(left.chunks_exact(len)) {
                zip(left, right, output, function);
            }
        }
        _ => {
            let len = left.len();
            for (output, right) in output.chunks_exact_mut(len).zip(right.chunks_exact(len)) {
                zip(left, right, output, function);
            }
        }
    }
}

/// `output = function(left, right)`, element by element; the shorter operand
/// repeats.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
pub(super) fn binary(function: Binary, left: &[f32], right: &[f32], output: &mut [f32]) {
    match function {
        Binary::Add => zip_repeating(left, right, output, |a, b| a + b),
        Binary::Sub => zip_repeating(left, right, output, |a, b| a - b),
        Binary::Mul => zip_repeating(left, right, output, |a, b| a * b),
    }
}

/// Softmax of `W` neighbouring columns.
#[inline(always)]
fn softmax_columns<const W: usize>(
    input: &[f32],
    output: &mut [f32],
    (inner, column): (usize, usize),
) {
    let mut peak = [f32::MIN; W];
    for row in input.chunks_exact(inner) {
        for (peak, &x) in peak.iter_mut().zip(&row[column..column + W]) {
            *peak = if x > *peak { x } else { *peak };
        }
    }
    let mut sum = [0.0; W];
    let rows = input
        .chunks_exact(inner)
        .zip(output.chunks_exact_mut(inner));
    for (row, output) in rows {
        let (row, output) = (&row[column..column + W], &mut output[column..column + W]);
        for lane in 0..W {
            output[lane] = math::exp(row[lane] - peak[lane]);
            sum[lane] += output[lane];
        }
    }
    for output in output.chunks_exact_mut(inner) {
        for (output, sum) in output[column..column + W].iter_mut().zip(&sum) {
            *output /= sum;
        }
    }
}

/// Softmax over the rows of each group of `rows` × `inner` elements.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
pub(super) fn softmax(rows: usize, inner: usize, input: &[f32], output: &mut [f32]) {
    const LANES: usize = 16;
    let group = rows * inner;
    for (input, output) in input
        .chunks_exact(group)
        .zip(output.chunks_exact_mut(group))
    {
        let mut column = 0;
        while column + LANES <= inner {
            softmax_columns::<LANES>(input, output, (inner, column));
            column += LANES;
        }
        for column in column..inner {
            softmax_columns::<1>(input, output, (inner, column));
        }
    }
}

/// Copies values that live on: what is not finite, and what is too small to
/// matter but would slow down every later multiplication, becomes zero.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
pub(super) fn publish(input: &[f32], output: &mut [f32]) {
    map(input, output, |x| {
        let magnitude = x.abs();
        if magnitude > 1e-30 && magnitude < 1e30 {
            x
        } else {
            0.0
        }
    });
}
