"""ONNX Runtime as a contestant, on the CPU."""

import onnxruntime

from contestant import Files, arguments, serve


def main():
    options = arguments(__doc__)
    files = Files(options.folder)

    def prepare(*work):
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = options.threads
        settings.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(
            str(files.graph(*work)), settings, providers=["CPUExecutionProvider"])
        names = [value.name for value in session.get_inputs()]
        inputs = dict(zip(names, files.inputs(*work)))

        def run():
            return session.run(None, inputs)[0]

        return run, run

    serve(prepare)


if __name__ == "__main__":
    main()
