"""OpenVINO as a contestant, on the CPU in float32; with --mode=int8 in whole numbers, as NNCF quantizes."""

import functools

import openvino

from contestant import Certification, Files, arguments, serve


def main():
    options = arguments(__doc__)
    files = Files(options.folder)

    def prepare(*work):
        model = openvino.Core().read_model(files.graph(*work))
        if options.mode == "int8":
            import nncf

            batches = files.batches(work[2])
            model = nncf.quantize(model, nncf.Dataset(batches), subset_size=len(batches))
        settings = {
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": options.threads,
            "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY",
        }
        if work[0] == "certification":
            images = files.images(work[2])

            @functools.cache
            def request_of(count):  # static shapes are faster
                static = openvino.Core().read_model(files.graph(*work))
                static.reshape([count, *images.shape[1:]])
                return openvino.Core().compile_model(static, "CPU", settings).create_infer_request()

            run = Certification.of_arrays(
                images, lambda copies: request_of(len(copies)).infer([copies], share_inputs=True)[0])
            return run, run
        request = openvino.Core().compile_model(model, "CPU", settings).create_infer_request()
        inputs = files.inputs(*work)

        def run():
            return request.infer(inputs, share_inputs=True)[0]

        return run, run

    serve(prepare)


if __name__ == "__main__":
    main()
