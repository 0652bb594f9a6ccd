//! Matrix products on slices.

use gemm::Parallelism;

/// A row-major matrix, or its transpose, in a slice.
#[derive(Debug, Clone, Copy)]
pub struct Matrix<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
    transposed: bool,
}

impl<'a> Matrix<'a> {
    /// `values` as `rows` × `columns`, row-major.
    ///
    /// # Panics
    /// If the slice has another length.
    pub fn new(values: &'a [f32], rows: usize, columns: usize) -> Matrix<'a> {
        assert_eq!(values.len(), rows * columns, "matrix of {rows} × {columns}");
        Matrix {
            values,
            rows,
            columns,
            transposed: false,
        }
    }

    /// The transpose, without copying.
    pub fn transpose(self) -> Matrix<'a> {
        Matrix {
            rows: self.columns,
            columns: self.rows,
            transposed: !self.transposed,
            ..self
        }
    }

    /// Distances in memory of neighbouring columns and rows.
    fn strides(self) -> (isize, isize) {
        if self.transposed {
            (self.rows as isize, 1)
        } else {
            (1, self.columns as isize)
        }
    }
}

/// `out = left · right`, or `out += left · right` if `accumulate`; `out` is
/// row-major.
///
/// # Panics
/// If the sizes do not fit.
pub fn multiply(out: &mut [f32], left: Matrix<'_>, right: Matrix<'_>, accumulate: bool) {
    assert_eq!(left.columns, right.rows, "inner sizes of a product");
    assert_eq!(out.len(), left.rows * right.columns, "size of a product");
    let (left_column, left_row) = left.strides();
    let (right_column, right_row) = right.strides();
    // SAFETY: `Matrix::new` and the assertions above make every index that the
    // sizes and strides reach lie inside the three slices, and `out` is
    // borrowed mutably, so it overlaps neither operand.
    #[allow(unsafe_code)]
    unsafe {
        gemm::gemm(
            left.rows,
            right.columns,
            left.columns,
            out.as_mut_ptr(),
            1,
            right.columns as isize,
            accumulate,
            left.values.as_ptr(),
            left_column,
            left_row,
            right.values.as_ptr(),
            right_column,
            right_row,
            1.0,
            1.0,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multiplies_with_every_transposition() {
        let a = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let b = [1.0, 0.5, -1.0, 2.0, 0.0, 3.0];
        let mut out = [0.0; 4];
        multiply(
            &mut out,
            Matrix::new(&a, 2, 3),
            Matrix::new(&b, 3, 2),
            false,
        );
        assert_eq!(out, [-1.0, 13.5, -1.0, 30.0]);
        multiply(&mut out, Matrix::new(&a, 2, 3), Matrix::new(&b, 3, 2), true);
        assert_eq!(out, [-2.0, 27.0, -2.0, 60.0]);
        multiply(
            &mut out,
            Matrix::new(&a, 3, 2).transpose(),
            Matrix::new(&b, 3, 2),
            false,
        );
        assert_eq!(out, [-2.0, 21.5, -2.0, 27.0]);
        multiply(
            &mut out,
            Matrix::new(&a, 2, 3),
            Matrix::new(&b, 2, 3).transpose(),
            false,
        );
        assert_eq!(out, [-1.0, 11.0, 0.5, 26.0]);
    }

    #[test]
    #[should_panic(expected = "inner sizes")]
    fn refuses_sizes_that_do_not_fit() {
        multiply(
            &mut [0.0; 4],
            Matrix::new(&[0.0; 6], 2, 3),
            Matrix::new(&[0.0; 4], 2, 2),
            false,
        );
    }
}
