//! Nodes with weights: dense layers and convolutions.

use super::{
    super::{
        onnx::{Attributes, Refusal, show},
        operators::{ConvShape, Op},
    },
    Reader,
};

impl Reader<'_> {
    pub(super) fn gemm(&self, attributes: &mut Attributes) -> Result<(Op, Vec<usize>), Refusal> {
        self.count(2..=3)?;
        attributes.must_be_one("alpha")?;
        attributes.must_be_one("beta")?;
        let flag = attributes.int("transA", 0)?;
        if flag != 0 {
            return Err(Refusal::new("transA", 0, flag));
        }
        let transposed = match attributes.int("transB", 0)? {
            0 => false,
            1 => true,
            other => return Err(Refusal::new("transB", "0 or 1", other)),
        };
        let (input, weights) = (self.required(0)?, self.weights(1)?);
        let &[rows, inputs] = input.shape else {
            return Err(Refusal::new(
                "shape of the input",
                "[rows, inputs]",
                show(input.shape),
            ));
        };
        let outputs = match (weights.shape, transposed) {
            (&[k, outputs], false) | (&[outputs, k], true) if k == inputs => outputs,
            _ => {
                let expected = if transposed {
                    format!("[outputs, {inputs}]")
                } else {
                    format!("[{inputs}, outputs]")
                };
                return Err(Refusal::new(
                    "shape of the weights",
                    expected,
                    show(weights.shape),
                ));
            }
        };
        let bias = self.bias(2, outputs)?;
        let op = Op::Dense {
            input: input.id,
            weights: weights.id,
            bias,
            transposed,
            rows,
            inputs,
            outputs,
        };
        Ok((op, vec![rows, outputs]))
    }

    pub(super) fn mat_mul(&self) -> Result<(Op, Vec<usize>), Refusal> {
        self.count(2..=2)?;
        let (input, weights) = (self.required(0)?, self.weights(1)?);
        let Some((&inputs, leading)) = input.shape.split_last().filter(|(_, l)| !l.is_empty())
        else {
            return Err(Refusal::new(
                "shape of the input",
                "[rows, inputs]",
                show(input.shape),
            ));
        };
        let outputs = match *weights.shape {
            [k, outputs] if k == inputs => outputs,
            _ => {
                let expected = format!("[{inputs}, outputs]");
                return Err(Refusal::new(
                    "shape of the weights",
                    expected,
                    show(weights.shape),
                ));
            }
        };
        let op = Op::Dense {
            input: input.id,
            weights: weights.id,
            bias: None,
            transposed: false,
            rows: leading.iter().product(),
            inputs,
            outputs,
        };
        Ok((op, [leading, &[outputs]].concat()))
    }

    pub(super) fn conv(&self, attributes: &mut Attributes) -> Result<(Op, Vec<usize>), Refusal> {
        self.count(2..=3)?;
        let (input, weights) = (self.required(0)?, self.weights(1)?);
        let &[1, channels, frames, bands] = input.shape else {
            let expected = "[1, channels, frames, bands]";
            return Err(Refusal::new(
                "shape of the input",
                expected,
                show(input.shape),
            ));
        };
        let &[out_channels, kernel_channels, kernel_frames, kernel_bands] = weights.shape else {
            let expected = "[out, channels, frames, bands]";
            return Err(Refusal::new(
                "shape of the weights",
                expected,
                show(weights.shape),
            ));
        };
        attributes.must_be_text("auto_pad", "NOTSET")?;
        let group = attributes.int("group", 1)?;
        if group != 1 {
            return Err(Refusal::new("group", 1, group));
        }
        let list = |name: &str, found: Option<&[i64]>, expected: &str, fits: fn(&[i64]) -> bool| {
            match found {
                Some(found) if !fits(found) => {
                    Err(Refusal::new(name, expected, format!("{found:?}")))
                }
                found => Ok(found.map(<[i64]>::to_vec)),
            }
        };
        list("dilations", attributes.ints("dilations")?, "[1, 1]", |d| {
            d == [1, 1]
        })?;
        let kernel = attributes.ints("kernel_shape")?;
        if kernel.is_some_and(|kernel| kernel != [kernel_frames as i64, kernel_bands as i64]) {
            let expected = show(&[kernel_frames, kernel_bands]);
            return Err(Refusal::new(
                "kernel_shape",
                expected,
                format!("{kernel:?}"),
            ));
        }
        let strides = list(
            "strides",
            attributes.ints("strides")?,
            "[1, 1 to 64]",
            |s| matches!(s, [1, 1..=64]),
        )?;
        let pads = list(
            "pads",
            attributes.ints("pads")?,
            "[0, before, 0, after]",
            |p| matches!(p, [0, 0..=1024, 0, 0..=1024]),
        )?;
        let stride = strides.map_or(1, |s| s[1] as usize);
        let (pad_before, pad_after) = pads.map_or((0, 0), |p| (p[1] as usize, p[3] as usize));
        let shape = ConvShape {
            channels,
            frames,
            bands,
            kernel_frames,
            kernel_bands,
            stride,
            pad_before,
            pad_after,
            out_channels,
        };
        let fits = kernel_channels == channels
            && kernel_frames <= frames
            && kernel_bands <= shape.padded_bands();
        if !fits {
            let expected = format!(
                "[out, {channels}, up to {frames}, up to {}]",
                shape.padded_bands()
            );
            return Err(Refusal::new(
                "shape of the weights",
                expected,
                show(weights.shape),
            ));
        }
        let bias = self.bias(2, out_channels)?;
        let op = Op::Conv {
            input: input.id,
            weights: weights.id,
            bias,
            shape,
        };
        Ok((
            op,
            vec![1, out_channels, shape.out_frames(), shape.out_bands()],
        ))
    }
}
