"""OpenVINO as a contestant, on the CPU in float32."""

import openvino

from contestant import Files, arguments, serve


def main():
    options = arguments(__doc__)
    files = Files(options.folder)

    def prepare(*work):
        model = openvino.Core().compile_model(
            files.graph(*work), "CPU",
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
