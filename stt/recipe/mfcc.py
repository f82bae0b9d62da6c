"""The features of the model, as the recogniser computes them itself from conf/mfcc.conf."""

import kaldi_native_fbank as knf
import numpy as np
from numpy.typing import NDArray

from stt.recipe.labels import RATE

COEFFICIENTS = 30
MEL_BINS = 30
LOW_HERTZ, BELOW_NYQUIST_HERTZ = 40, 200

CONF = f"""\
--sample-frequency={RATE}
--use-energy=false
--num-mel-bins={MEL_BINS}
--num-ceps={COEFFICIENTS}
--low-freq={LOW_HERTZ}
--high-freq=-{BELOW_NYQUIST_HERTZ}
--dither=0
"""
"""Contents of conf/mfcc.conf; Kaldi's defaults hold for the rest (25 ms windows every 10 ms)."""


def _options() -> knf.MfccOptions:
    options = knf.MfccOptions()
    options.frame_opts.samp_freq = RATE
    options.frame_opts.dither = 0.0
    options.frame_opts.snip_edges = True
    options.mel_opts.num_bins = MEL_BINS
    options.mel_opts.low_freq = LOW_HERTZ
    options.mel_opts.high_freq = -BELOW_NYQUIST_HERTZ
    options.num_ceps = COEFFICIENTS
    options.use_energy = False
    return options


def mfcc(samples: NDArray[np.int16]) -> NDArray[np.float32]:
    """Features of int16 `samples` at 8 kHz, shape (frames, COEFFICIENTS); no normalisation."""
    computer = knf.OnlineMfcc(_options())
    computer.accept_waveform(RATE, samples.astype(np.float32).tolist())
    computer.input_finished()
    frames = [computer.get_frame(i) for i in range(computer.num_frames_ready)]
    return np.stack(frames).astype(np.float32)
