"""ONNX Runtime as a contestant, on the CPU; with --mode=int8 in whole numbers."""

import onnxruntime

from contestant import Certification, Files, arguments, serve


def quantized(graph, batches):
    """The file of a graph's int8 form, made from batches of images: unsigned activations, signed weights per channel.

    Its defaults, signed activations and one scale for all channels, leave convolutions in float32 and are slower.
    """
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):
        def __init__(self, name):
            self.rest = iter([{name: batch} for batch in batches])

        def get_next(self):
            return next(self.rest, None)

    folded, result = graph.with_suffix(".folded.onnx"), graph.with_suffix(".int8.onnx")
    quant_pre_process(str(graph), str(folded), skip_symbolic_shape=True)
    name = onnxruntime.InferenceSession(
        str(folded), providers=["CPUExecutionProvider"]).get_inputs()[0].name
    quantize_static(
        str(folded), str(result), Reader(name), per_channel=True, activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8)
    return result


def main():
    options = arguments(__doc__)
    files = Files(options.folder)

    def prepare(*work):
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = options.threads
        settings.inter_op_num_threads = 1
        graph = files.graph(*work)
        if options.mode == "int8":
            graph = quantized(graph, files.batches(work[2]))
        session = onnxruntime.InferenceSession(
            str(graph), settings, providers=["CPUExecutionProvider"])
        names = [value.name for value in session.get_inputs()]
        if work[0] == "certification":
            run = Certification.of_arrays(
                files.images(work[2]), lambda copies: session.run(None, {names[0]: copies})[0])
            return run, run
        inputs = dict(zip(names, files.inputs(*work)))

        def run():
            return session.run(None, inputs)[0]

        return run, run

    serve(prepare)


if __name__ == "__main__":
    main()
