"""OpenVINO as a contestant, on the CPU in float32; with --mode=int8 in whole numbers, as NNCF quantizes."""

import openvino

from contestant import Files, arguments, serve


def main():
    options = arguments(__doc__)
    files = Files(options.folder)

    def prepare(*work):
        model = openvino.Core().read_model(files.graph(*work))
        if options.mode == "int8":
            import nncf

            batches = files.batches(work[2])
            model = nncf.quantize(model, nncf.Dataset(batches), subset_size=len(batches))
        model = openvino.Core().compile_model(
            model, "CPU",
            {
                "INFERENCE_PRECISION_HINT": "f32",
                "INFERENCE_NUM_THREADS": options.threads,
                "NUM_STREAMS": 1,
                "PERFORMANCE_HINT": "LATENCY",
            })
        request = model.create_infer_request()
        inputs = files.inputs(*work)

        def run():
            return request.infer(inputs, share_inputs=True)[0]

        return run, run

    serve(prepare)


if __name__ == "__main__":
    main()
