import KernelTables

#if !AVX512
  /// The kernels in whole numbers of eight bits of the instruction set that this folder is compiled for.
  package enum Integer8: Integer8Kernels {
    package static func gatheredProduct(_ arguments: GatheredByteArguments) {
      #if AVX2
        ByteProduct<ByteHalves>(problem: arguments).run()
      #else
        ByteProduct<ByteProducts>(problem: arguments).run()
      #endif
    }

    package static func convolution(_ arguments: ByteConvolutionArguments) -> Bool { false }

    package static func requantize(
      pixels: Int, input: UnsafePointer<UInt8>, _ requantization: Requantization
    ) {
      requantization.rows(of: input, count: pixels)
    }
  }
#endif

#if AVX512 || AVX2
  /// The kernels in whole numbers of eight bits for processors with an instruction for products of bytes.
  package enum Integer8Instruction: Integer8Kernels {
    package static func gatheredProduct(_ arguments: GatheredByteArguments) {
      ByteProduct<ByteInstruction>(problem: arguments).run()
    }

    package static func convolution(_ arguments: ByteConvolutionArguments) -> Bool {
      #if AVX512
        guard ByteConvolution<ByteInstruction>.fits(arguments) else { return false }
        ByteConvolution<ByteInstruction>(problem: arguments).run()
        return true
      #else
        false
      #endif
    }

    package static func requantize(
      pixels: Int, input: UnsafePointer<UInt8>, _ requantization: Requantization
    ) {
      requantization.rows(of: input, count: pixels)
    }
  }
#endif
