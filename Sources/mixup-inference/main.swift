print("mixup-inference")
