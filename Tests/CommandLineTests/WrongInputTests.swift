import Foundation
import NeuralNetwork
import TestSupport
import Testing

/// A command line that cannot be carried out.
struct Mistake: Sendable, CustomTestStringConvertible {
  /// `@name` stands for a file of the workplace.
  var arguments: String
  /// 64 for usage, 65 for data, 74 for files.
  var status: Int32
  /// A part of the message.
  var says: String

  init(_ arguments: String, _ status: Int32, _ says: String) {
    self.arguments = arguments
    self.status = status
    self.says = says
  }

  var testDescription: String { arguments }
}

@Suite("Wrong input ends with one line and the right status")
struct WrongInputTests {
  private static let evaluate = "evaluate --model @model.safetensors --count 2"
  private static let train = "train --method plain --epochs 1 --output @new.safetensors"
  private static let cifar =
    "evaluate --model @colour.safetensors --dataset cifar10 --data @cifar --count 2"

  static let mistakes: [Mistake] =
    models + datasets + certification + inspection + verification + profiles + reproduction
    + options + files
    + parsing

  static let datasets = [
    Mistake("\(evaluate) --dataset @own", 64, "a file NAME.safetensors"),
    Mistake("\(evaluate) --dataset @own.safetensors --data @cifar", 64, "leave it out"),
    Mistake("\(evaluate) --dataset digits --data @cifar", 64, "leave it out"),
    Mistake("\(evaluate) --dataset mnist", 64, "train-images-idx3-ubyte"),
    Mistake("\(evaluate) --dataset mnist --data @cifar", 74, "no train-images-idx3-ubyte"),
    Mistake("\(evaluate) --dataset fashion-mnist --data @mnist", 65, "unpack it with gunzip"),
    Mistake("\(evaluate) --dataset @none.safetensors", 74, "No such file or directory"),
    Mistake("\(evaluate) --dataset @empty.safetensors", 65, "the file is empty"),
    Mistake(
      "\(evaluate) --dataset @ones.safetensors", 65, "make one with fixtures/convert_dataset.py"),
    Mistake("\(evaluate) --dataset @zip.safetensors", 65, "zip archive"),
    Mistake("\(evaluate) --dataset @model.safetensors", 65, "no tensor train.images"),
    Mistake("\(evaluate) --dataset @gap.safetensors", 65, "no training image of label 1"),
    Mistake("evaluate --model @few.safetensors --dataset @own.safetensors", 65, "the data 2"),
    Mistake("\(train) --dataset @gap.safetensors", 65, "no training image of label 1"),
    Mistake("\(train) --dataset @own.safetensors", 64, "batches of 32"),
    Mistake("verify --model @model.safetensors --dataset @none.safetensors", 74, "No such file"),
    Mistake(
      "evaluate --model @model.safetensors --dataset @own.safetensors --json @own.safetensors", 64,
      "overwritten"),
    Mistake(
      "attack --model @model.safetensors --dataset @own.safetensors --output @own.safetensors", 64,
      "overwritten"),
    Mistake("train --dataset @own.safetensors --output @own.safetensors", 64, "overwritten"),
    Mistake("verify --model @model.safetensors --json @model.safetensors", 64, "overwritten"),
  ]

  private static let certify = "certify --model @model.safetensors --count 2 --sigma 0.25"

  static let certification = [
    Mistake("certify --model @model.safetensors --sigma 0", 64, "σ of the noise is 0.0"),
    Mistake("certify --model @model.safetensors --sigma -0.5", 64, "σ of the noise is -0.5"),
    Mistake("certify --model @model.safetensors --sigma nan", 64, "σ of the noise is nan"),
    Mistake("certify --model @model.safetensors", 64, "--sigma"),
    Mistake("certify --sigma 0.25", 64, "nothing is to be measured"),
    Mistake("\(certify) --alpha 0", 64, "α is 0.0"),
    Mistake("\(certify) --alpha 1", 64, "α is 1.0"),
    Mistake("\(certify) --alpha -0.1", 64, "α is -0.1"),
    Mistake("\(certify) --radii 0,much", 64, "--radii is 0,much"),
    Mistake("\(certify) --radii 0.5,0.25", 64, "the radii are 0.5,0.25"),
    Mistake("\(certify) --radii 3", 64, "no number of draws"),
    Mistake("\(certify) --radii 0.5 --draws 200", 64, "a radius of 0.5 needs"),
    Mistake("\(certify) --radii 0 --draws 5", 64, "a radius of 0.0 needs"),
    Mistake("\(certify) --radii 0 --fixed 5", 64, "needs 10 draws that all agree"),
    Mistake("\(certify) --draws 0", 64, "the number of draws is 0"),
    Mistake("\(certify) --draws 500 --fixed 500", 64, "leave it out beside --fixed"),
    Mistake("\(certify) --defence none", 64, "none has no certificate"),
    Mistake("\(certify) --defence rotation", 64, "rotation has no certificate"),
    Mistake("\(certify) --defence mi-combined", 64, "mi-combined has no certificate"),
    Mistake("\(certify) --defence gaussian --defence mi-ol", 64, "certify takes one --defence"),
    Mistake("\(certify) --defence magic", 64, "--defence magic is unknown"),
    Mistake("\(certify) --defence gaussian --lambda 0.5", 64, "--lambda says nothing here"),
    Mistake("\(certify) --defence mi-ol --lambda 0", 64, "λ is 0"),
    Mistake("\(certify) --defence mi-ol --lambda 2", 64, "λ is 2"),
    Mistake("\(certify) --votes soft", 64, "--votes soft is unknown"),
    Mistake("\(certify) --sanity 0", 64, "--sanity is 0"),
    Mistake("\(certify) --shard 3/2", 64, "3/2"),
    Mistake("\(certify) --shard 3/3", 64, "is empty"),
    Mistake("certify --model @model.safetensors --sigma 0.25 --count 0", 64, "0 images"),
    Mistake("\(certify) --json - --cohen -", 64, "standard output"),
    Mistake("\(certify) --json @model.safetensors", 64, "overwritten"),
    Mistake("certify --model @huge.safetensors --count 2 --sigma 0.25", 65, "not a number"),
    Mistake("certify --model @few.safetensors --sigma 0.25", 65, "5 classes"),
  ]

  static let reproduction = [
    Mistake("reproduce --scale huge", 64, "--scale takes one of quick, standard, paper"),
    Mistake("reproduce --count 0", 64, "--count is 0"),
    Mistake("reproduce --checkpoints @cifar", 74, "plain.safetensors"),
    Mistake("reproduce --dataset cifar10", 64, "give the folder with data_batch_1.bin"),
    Mistake("reproduce --dataset cifar10 --data @none", 74, "data_batch_1.bin"),
    Mistake(
      "reproduce --dataset cifar10 --data @cifar --checkpoints @cifar", 74, "plain.safetensors"),
    // None of its images is of class 9, and every class needs a mixing partner.
    Mistake("reproduce --dataset cifar10 --data @cifar --scale quick --output @new", 65, "class 9"),
  ]

  static let profiles = [
    Mistake("profile --batch 0", 64, "--batch is 0; give a number from 1 to 1024"),
    Mistake("profile --rounds 10001", 64, "--rounds is 10001"),
    Mistake("profile --architecture resNet9", 64, "--architecture takes one of resNet8"),
    Mistake(
      "profile --work idle", 64,
      "--work takes one of forward, decision, attack, certification, training"),
    Mistake("profile --seconds 0", 64, "--seconds is 0.0; give a number from 0.001 to 3600"),
    Mistake("profile --seconds nan", 64, "--seconds is nan"),
    Mistake("profile --threads 0", 64, "--threads is 0"),
    Mistake("profile --architecture resNet8 --output @plain", 74, "is a file"),
    Mistake("profile --architecture resNet8 --output /proc/none", 74, "/proc/none"),
    Mistake("profile --plan fast", 64, "--plan takes one of throughput, latency"),
    Mistake("profile --kernels avx9", 64, "--kernels takes one of reference"),
    Mistake("profile --model @none.safetensors", 74, "No such file or directory"),
    Mistake("profile --model @text.safetensors", 65, "text.safetensors"),
  ]

  static let models = [
    Mistake("evaluate --count 2", 64, "give --model or --model-command"),
    Mistake("evaluate --model @model.safetensors --model-command cat", 64, "give one of them"),
    Mistake("evaluate --model-command=", 64, "Missing value for '--model-command"),
    Mistake("evaluate --model-command cat --mean 0 --std 1", 64, "scales its input itself"),
    Mistake("evaluate --model-command cat --model-time-limit 0", 64, "seconds from 1"),
    Mistake("evaluate --model @model.safetensors --model-time-limit 9", 64, "give that too"),
    Mistake("evaluate --model-command false", 65, "ended with status 1 before it answered"),
    Mistake("evaluate --model-command no-such-program", 65, "no-such-program: not found"),
    Mistake("evaluate --model-command pwd", 65, "which is for answers alone"),
    Mistake("verify --models 1 --model-command false", 65, "ended with status 1"),
    Mistake("attack --model-command false --output @new.safetensors", 65, "ended with status 1"),
    Mistake("evaluate --model @none.safetensors", 74, "No such file or directory"),
    Mistake("evaluate --model @cifar", 74, "Is a directory"),
    Mistake("evaluate --model=", 64, "Missing value for '--model"),
    Mistake("evaluate --model /dev/null", 74, "it is no ordinary file"),
    Mistake("evaluate --model @few.safetensors", 65, "the model has 5 classes, the data 10"),
    Mistake("evaluate --model @huge.safetensors", 65, "is not a number"),
    Mistake(
      "evaluate --model @huge.safetensors --attack pgd --epsilon 1/8", 65, "is not a number"),
    Mistake("evaluate --model @zip.safetensors", 65, "fixtures/convert_checkpoint.py"),
    Mistake("evaluate --model @pointer.safetensors", 65, "Git LFS"),
    Mistake("evaluate --model @mixed.safetensors", 65, "mu and sigma"),
    Mistake("evaluate --model /dev/zero", 74, "it is no ordinary file"),
    Mistake("\(evaluate) --mean 0.25 --std 0.5", 65, "differ on how"),
    Mistake("\(evaluate) --mean 125.3 --std 63", 64, "divide all by 255"),
    Mistake("\(evaluate) --mean 1e38 --std 1e-38", 64, "no scaling of pixels from 0 to 1"),
    Mistake("inspect digits --dataset digits", 64, "is a data set"),
    Mistake("inspect @nameless.safetensors --data folder", 64, "or give --dataset"),
    Mistake("\(evaluate) --reading final-pooling=max", 64, "cannot be computed"),
    Mistake("\(evaluate) --reading stem-pooling=max", 65, "is none and not max"),
    Mistake("\(evaluate) --reading stem-pooling", 64, "give such as stem-pooling=none"),
    Mistake("\(evaluate) --reading colour=none", 64, "there is no reading colour"),
    Mistake("\(evaluate) --reading block-order=pre-activation", 65, "names and shapes"),
    Mistake("\(evaluate) --other-mean 0.5 --other-std 0.5", 64, "describe the file of --other"),
    Mistake(
      "\(evaluate) --other @nameless.safetensors", 65, "give --other-mean and --other-std"),
    Mistake(
      "\(evaluate) --other @nameless.safetensors --mean 0.5 --std 0.5", 65,
      "give --other-mean and --other-std"),
    Mistake("evaluate --model @truncated.safetensors", 65, "the file ends after"),
    Mistake("evaluate --model @empty.safetensors", 65, "the file is empty"),
    Mistake("evaluate --model @text.safetensors", 65, "text.safetensors"),
    Mistake("evaluate --model @ones.safetensors", 65, "this is no safetensors file"),
    Mistake("evaluate --model @nameless.safetensors", 65, "give --mean and --std"),
    Mistake("evaluate --model @nameless.safetensors --mean 0.5", 64, "belong together"),
    Mistake(
      "evaluate --model @nameless.safetensors --mean 0.5,1 --std 1,1", 65, "has 2"),
    Mistake("evaluate --model @nan.safetensors", 65, "conv1.weight holds a value that is not"),
    Mistake("evaluate --model @misshapen.safetensors", 65, "fc_dense.bias has shape [11]"),
    Mistake(
      "evaluate --model @model.safetensors --dataset cifar10 --data @cifar", 65, "1×8×8"),
    Mistake("evaluate --model @colour.safetensors", 65, "3×32×32"),
    Mistake("\(cifar) --defence mi-ol", 65, "class 9"),
  ]

  static let inspection = [
    Mistake("inspect", 64, "file"),
    Mistake("inspect @none.safetensors", 74, "No such file or directory"),
    Mistake("inspect @zip.safetensors", 65, "zip archive"),
    Mistake("inspect /dev/zero", 74, "it is no ordinary file"),
    Mistake("inspect cifar10", 64, "give the folder with data_batch_1.bin"),
    Mistake("inspect cifar10 --data @none", 74, "data_batch_1.bin"),
    Mistake("inspect @model.safetensors --dataset cifar10 --data @none", 74, "data_batch_1.bin"),
    Mistake("inspect @model.safetensors --json /dev/full", 74, "cannot write /dev/full"),
    Mistake("inspect digits --data @cifar", 64, "leave it out"),
    Mistake("inspect @model.safetensors --data @cifar", 64, "leave it out"),
    Mistake("inspect @gap.safetensors", 65, "no training image of label 1"),
    Mistake("inspect @model.safetensors --mean 0.5", 64, "belong together"),
    Mistake("verify --model @nameless.safetensors", 65, "give --mean and --std"),
    Mistake("inspect @truncated.safetensors", 65, "the file ends after"),
    Mistake("inspect @text.safetensors", 65, "text.safetensors"),
    Mistake("inspect @model.safetensors @model.safetensors", 64, "model.safetensors"),
  ]

  static let verification = [
    Mistake("verify --family cubic", 64, "--family cubic"),
    Mistake("verify --classes 1", 64, "1 classes"),
    Mistake("verify --classes 5 --dimension 3", 64, "4 at least"),
    Mistake("verify --dimension=-1", 64, "-1 dimensions"),
    Mistake("verify --exponent 0", 64, "growth exponent p is 0"),
    Mistake("verify --strength 1.5", 64, "strength g is 1.5"),
    Mistake("verify --lambdas 0.5,,1", 64, "--lambdas is 0.5,,1"),
    Mistake("verify --lambdas 0.5,1.5", 64, "--lambdas is 0.5,1.5"),
    Mistake("verify --draws 0", 64, "executions N is 0"),
    Mistake("verify --models 0", 64, "number of models is 0"),
    Mistake("verify --draws 9223372036854775807", 64, "--draws is 9"),
    Mistake("verify --models 9223372036854775807", 64, "--models is 9"),
    Mistake("verify --classes 1000000000 --dimension 1000000000", 64, "--classes is 1"),
    Mistake("verify --count 0", 64, "--count is 0"),
    Mistake("verify --model @none.safetensors", 74, "none.safetensors"),
    Mistake("verify --model @text.safetensors", 65, "text.safetensors"),
    Mistake("verify --model @colour.safetensors", 65, "3×32×32"),
    Mistake("verify --model @model.safetensors --count 1", 64, "number of images is 1"),
    Mistake("verify --model @model.safetensors --epsilon 9/8", 64, "\"9/8\""),
    Mistake("verify --json @plain/record.json", 74, "record.json"),
    Mistake("verify --output @plain", 74, "index.html"),
  ]

  static let options = [
    Mistake("\(evaluate) --plan @none.json", 74, "cannot read the plan"),
    Mistake("\(evaluate) --plan @plain", 65, "no valid JSON"),
    Mistake("\(evaluate) --plan @cifar", 74, "cannot read the plan"),
    Mistake("\(evaluate) --shard 1/2", 64, "give --store"),
    Mistake("\(evaluate) --shard 3/2 --store @new", 64, "\"3/2\" is no shard"),
    Mistake("\(evaluate) --shard 4/4 --store @new", 64, "shard 4/4 of 2 images"),
    Mistake("\(evaluate) --scores 0", 64, "scoring draws is 0"),
    Mistake("\(evaluate) --match 95", 64, "--match is 95"),
    Mistake("\(evaluate) --match nan", 64, "--match is nan"),
    Mistake("\(evaluate) --sanity 0", 64, "--sanity is 0"),
    Mistake("\(evaluate) --sanity 3 --shard 1/2 --store @new", 64, "leave --shard out"),
    Mistake("\(evaluate) --selections=-1", 64, "selection draws is -1"),
    Mistake("\(evaluate) --attack none --attack none", 64, "stands twice"),
    Mistake("\(evaluate) --store @plain", 74, "plain"),
    Mistake("\(evaluate) --csv @cifar", 74, "name a file, not a folder"),
    Mistake("\(evaluate) --defence gaussian --strength=-1", 64, "standard deviation σ is -1"),
    Mistake("\(evaluate) --defence rotation --strength 181", 64, "rotation is 181"),
    Mistake("\(evaluate) --defence crop-pad --sides 7", 64, "the sides are [7]"),
    Mistake("\(evaluate) --defence crop-pad --sides 8,7", 64, "the sides are [8, 7]"),
    Mistake("\(evaluate) --defence crop-resize --sides 5,9", 64, "from 1 to 8"),
    Mistake("\(evaluate) --defence crop-pad --sides a,b", 64, "--sides is a,b"),
    Mistake("\(evaluate) --defence bit-depth --bits 9", 64, "depth of 9 bits"),
    Mistake("\(evaluate) --defence composition", 64, "a composition needs parts"),
    Mistake("\(evaluate) --attack transfer-pgd --epsilon 1/8", 64, "with --other"),
    Mistake("\(evaluate) --other @none.safetensors", 74, "none.safetensors"),
    Mistake("\(evaluate) --other @few.safetensors", 65, "the model has 5 classes"),
    Mistake("\(evaluate) --images @none.safetensors", 74, "none.safetensors"),
    Mistake("\(evaluate) --images @model.safetensors", 65, "there is no tensor \"images\""),
    Mistake("\(evaluate) --images @none-at-all.safetensors", 65, "there are no images in it"),
    Mistake("\(evaluate) --images @zip.safetensors", 65, "zip archive"),
    Mistake("\(evaluate) --images @text.safetensors", 65, "text.safetensors"),
    Mistake("attack --model @model.safetensors --attack pgd --epsilon 1/8", 64, "--output"),
    Mistake(
      "attack --model @model.safetensors --attack none --attack pgd --epsilon 1/8 --output @new",
      64,
      "one --defence and one --attack"),
    Mistake(
      "attack --model @model.safetensors --count 2 --output /proc/none/x.safetensors", 74,
      "/proc/none"),
    Mistake("evalute", 64, "there is no verb evalute; did you mean evaluate?"),
    Mistake("merge-all", 64, "there is no verb merge-all; see"),
    Mistake("\(evaluate) --attack pdg --epsilon 1/8", 64, "pdg is unknown; did you mean pgd?"),
    Mistake("\(evaluate) --attack magic --epsilon 1/8", 64, "magic is unknown; it takes"),
    Mistake("\(evaluate) --defence gausian", 64, "did you mean gaussian?"),
    Mistake("\(evaluate) --dataset digit", 64, "did you mean digits?"),
    Mistake("report --output @new", 64, "results"),
    Mistake("report @model.safetensors", 64, "--output"),
    Mistake("report @none.json --output @new", 74, "cannot be read"),
    Mistake("report @cifar --output @new", 74, "cannot be read"),
    Mistake("report @empty.safetensors --output @new", 65, "is empty"),
    Mistake("report @model.safetensors --output @new", 65, "what --json or --per-image"),
    Mistake("merge", 64, "stores"),
    Mistake("merge @cifar", 65, "is no store"),
    Mistake("merge @none @cifar", 65, "is no store"),
    Mistake("merge @cifar --json @cifar", 74, "name a file, not a folder"),
    Mistake("\(evaluate) --defence mi-ol --lambda 1.5", 64, "λ is 1.5"),
    Mistake("\(evaluate) --defence mi-ol --lambda=-0.1", 64, "λ is -0.1"),
    Mistake("\(evaluate) --defence mi-ol --lambda -0.1", 64, "λ is -0.1"),
    Mistake("\(evaluate) --defence mi-ol --lambda -inf", 64, "λ is -inf"),
    Mistake("evaluate --model @model.safetensors --count -3", 64, "number of images is -3"),
    Mistake("\(evaluate) --attack pgd --epsilon -1/8", 64, "\"-1/8\""),
    Mistake("\(evaluate) --fresh -1", 64, "--fresh"),
    Mistake("\(evaluate) --attack cw --attack pgd --epsilon 3", 64, "\"3\" is more than 1"),
    Mistake("\(evaluate) --attack cw --epsilon 1001", 64, "more than 1000"),
    Mistake("\(evaluate) --json @model.safetensors", 64, "would be overwritten"),
    Mistake("\(evaluate) --sanity 2", 64, "under an attack"),
    Mistake("\(evaluate) --sanity 2 --attack frozen-pgd --epsilon 1/8", 64, "under an attack"),
    Mistake("\(evaluate) --json @new --csv @new", 64, "would be overwritten"),
    Mistake("\(evaluate) --per-image @new.csv --csv @new.csv", 64, "would be overwritten"),
    Mistake("\(evaluate) --per-image @plain", 64, "ends in .csv or .jsonl"),
    Mistake("\(evaluate) --per-image @new.json", 64, "ends in .csv or .jsonl"),
    Mistake("\(evaluate) --per-image -", 64, "ends in .csv or .jsonl"),
    Mistake("\(evaluate) --per-image /proc/none/x.csv", 74, "/proc/none"),
    Mistake("merge @none --per-image @new.txt", 64, "ends in .csv or .jsonl"),
    Mistake("\(evaluate) --latex @new --csv @new", 64, "would be overwritten"),
    Mistake("\(evaluate) --robustbench @new", 64, "give --attack"),
    Mistake(
      "\(evaluate) --robustbench @model.safetensors --attack pgd --epsilon 1/8", 64,
      "would be overwritten"),
    Mistake(
      "\(evaluate) --robustbench @new --attack pgd --epsilon 1/8 --defence none --defence mi-ol",
      64,
      "one --defence"),
    Mistake(
      "\(evaluate) --robustbench @new --attack pgd --epsilon 1/8 --shard 1/2 --store @store", 64,
      "leave --shard out"),
    Mistake("\(evaluate) --attack frozen-none", 64, "--attack frozen-none"),
    Mistake("\(evaluate) --attack frozen-published --epsilon 1/8", 64, "frozen-published"),
    Mistake("\(evaluate) --json @s/results.jsonl --store @s", 64, "would be overwritten"),
    Mistake("\(evaluate) --csv @s/outcomes/a.jsonl --store @s", 64, "would be overwritten"),
    Mistake("\(evaluate) --logits @p/profile.txt --profile @p", 64, "would be overwritten"),
    Mistake("merge @s --json @s/sanity.json", 64, "would be overwritten"),
    Mistake("merge @a @s --csv @s/evaluations/a.json", 64, "would be overwritten"),
    Mistake("verify --output @r --json @r/index.html", 64, "would be overwritten"),
    Mistake("verify --output @r --json @r/../r/region.svg", 64, "would be overwritten"),
    Mistake("train --method plain --output @x.csv", 64, "would be overwritten"),
    Mistake(
      "train --dataset @own-best.safetensors --output @own", 64, "would be overwritten"),
    Mistake(
      "train --dataset cifar10 --data @cifar --output @cifar/test_batch.bin", 64,
      "would be overwritten"),
    Mistake(
      "\(evaluate) --dataset cifar10 --data @cifar --json @cifar/data_batch_1.bin", 64,
      "would be overwritten"),
    Mistake(
      "quantize --model @model.safetensors --output @model.safetensors", 64, "would be overwritten"),
    Mistake(
      "export --model @model.safetensors --onnx @model.safetensors", 64, "would be overwritten"),
    Mistake("\(certify) --json @new --cohen @new", 64, "would be overwritten"),
    Mistake(
      "attack --model @model.safetensors --count 2 --output @model.safetensors", 64,
      "would be overwritten"),
    Mistake("\(evaluate) --defence mi-ol --lambda 0.5 --lambda 0.8", 64, "--lambda stands twice"),
    Mistake("\(evaluate) --seed=1 --seed 2", 64, "--seed stands twice"),
    Mistake("\(evaluate) --json - --csv -", 64, "cannot both go to standard output"),
    Mistake("train --method plain --output -", 64, "train writes several files"),
    Mistake("\(evaluate) --defence mi-ol --lambda nan", 64, "λ is nan"),
    Mistake("\(evaluate) --defence mi-combined --lambda-pl nan", 64, "λ is nan"),
    Mistake("\(evaluate) --defence mi-combined --threshold inf", 64, "threshold is inf"),
    Mistake("\(evaluate) --attack pgd", 64, "give ε"),
    Mistake("\(evaluate) --attack pgd --epsilon abc", 64, "\"abc\""),
    Mistake("\(evaluate) --attack pgd --epsilon 9/8", 64, "\"9/8\""),
    Mistake("\(evaluate) --attack pgd --epsilon=-1/8", 64, "\"-1/8\""),
    Mistake("\(evaluate) --attack pgd --epsilon 1/8 --step-size 1/0", 64, "\"1/0\""),
    Mistake("\(evaluate) --attack pgd --epsilon 1/8 --steps 0", 64, "number of steps is 0"),
    Mistake("\(evaluate) --attack pgd --epsilon 1/8 --restarts 0", 64, "number of restarts is 0"),
    Mistake("\(evaluate) --attack magic --epsilon 1/8", 64, "--attack magic"),
    Mistake("\(evaluate) --attack adaptive-none", 64, "--attack adaptive-none"),
    Mistake("\(evaluate) --attack cw --norm linf --epsilon 1/8", 64, "needs the norm l2"),
    Mistake("\(evaluate) --attack pgd --norm l1 --epsilon 1/8", 64, "--norm l1"),
    Mistake("\(evaluate) --attack pgd --norm l2 --epsilon 1001", 64, "more than 1000"),
    Mistake("\(evaluate) --attack pgd --loss hinge --epsilon 1/8", 64, "--loss hinge"),
    Mistake("\(evaluate) --attack pgd --epsilon 1/8 --momentum 2", 64, "momentum is 2"),
    Mistake("\(evaluate) --attack noise --epsilon 1/8 --queries 0", 64, "number of queries is 0"),
    Mistake(
      "\(evaluate) --attack adaptive-pgd --epsilon 1/8 --average logits", 64, "--average logits"),
    Mistake("\(evaluate) --defence distillation", 64, "--defence distillation"),
    Mistake("\(evaluate) --lambda 0.5", 64, "--lambda says nothing here"),
    Mistake("\(evaluate) --epsilon 1/8", 64, "--epsilon says nothing here"),
    Mistake("\(evaluate) --defence bit-depth --draws 5", 64, "--draws says nothing here"),
    Mistake("\(evaluate) --attack cw --epsilon 1 --queries 5", 64, "--queries says nothing here"),
    Mistake(
      "\(evaluate) --attack pgd --epsilon 1/8 --average losses", 64, "--average says nothing here"),
    Mistake("\(evaluate) --defence mi-ol --lambda half", 64, "λ is half; give a number"),
    Mistake("\(evaluate) --defence mi-ol --draws 0", 64, "number of executions is 0"),
    Mistake(
      "\(evaluate) --attack adaptive-pgd --epsilon 1/8 --attack-draws 0", 64,
      "attacker's number of executions is 0"),
    Mistake(
      "\(evaluate) --defence mi-ol --draws 9223372036854775807", 64, "number of executions is 9"),
    Mistake("\(evaluate) --defence mi-ol --draws 100001", 64, "from 1 to 100,000"),
    Mistake("train --epochs 9223372036854775807 --output @new.safetensors", 64, "epochs"),
    Mistake("train --epochs 50000000 --output @new.safetensors", 64, "epochs"),
    Mistake("evaluate --model @model.safetensors --count 0", 64, "number of images is 0"),
    Mistake("evaluate --model @model.safetensors --count=-3", 64, "number of images is -3"),
    Mistake("\(evaluate) --dataset imagenet", 64, "data set imagenet"),
    Mistake("\(evaluate) --dataset cifar10", 64, "--data"),
    Mistake("\(evaluate) --kernels gpu", 64, "gpu"),
    Mistake("\(evaluate) --mean 0.5,0.5 --std 1,1", 65, "1 channels"),
    Mistake("\(evaluate) --mean 0.5,x --std 1,1", 64, "--mean is 0.5,x"),
    Mistake("\(evaluate) --mean 0.5 --std 0", 64, "deviations above zero"),
    Mistake("\(evaluate) --mean 0.5 --std nan", 64, "deviations above zero"),
    Mistake("train --method magic --output @new.safetensors", 64, "method magic"),
    Mistake("\(train) --architecture vgg", 64, "architecture vgg"),
    Mistake("\(train) --activation magic", 64, "it is one of relu, silu, leaky-0.1"),
    Mistake("\(train) --learning-rate nan", 64, "--learning-rate is nan"),
    Mistake("\(train) --learning-rate 0", 64, "--learning-rate is 0"),
    Mistake("\(train) --noise 0", 64, "--noise is 0"),
    Mistake("\(train) --noise nan", 64, "--noise is nan"),
    Mistake("train --method at --noise 0.1 --output @new.safetensors", 64, "--noise says nothing"),
    Mistake("\(train) --batch-size 1", 64, "batches of 1"),
    Mistake("\(train) --batch-size 10000", 64, "batches of 10000"),
    Mistake("train --method plain --epochs 0 --output @new.safetensors", 64, "0 epochs"),
    Mistake("train --method mixup --alpha nan --output @new.safetensors", 64, "nan"),
    Mistake("train --method plain --alpha 1 --output @new.safetensors", 64, "--alpha says nothing"),
    Mistake("train --method at --alpha 1 --output @new.safetensors", 64, "--alpha says nothing"),
    Mistake("train --method mixup --epsilon 1/8 --output @new.safetensors", 64, "--epsilon says"),
    Mistake("train --method plain --steps 3 --output @new.safetensors", 64, "--steps says nothing"),
    Mistake("train --method mixup --alpha=-1 --output @new.safetensors", 64, "-1"),
    Mistake(
      "train --method interpolated-at --epsilon 2 --output @new.safetensors", 64, "\"2\""),
    Mistake(
      "train --method interpolated-at --steps=-1 --output @new.safetensors", 64, "steps"),
    Mistake(
      "train --method plain --epochs 1 --learning-rate 1e38 --output @new.safetensors", 65,
      "learning rate"),
  ]

  // Folders in /proc cannot be made, by root neither.
  static let files = [
    Mistake("\(evaluate) --json @plain/records.json", 74, "a part of this path is a file"),
    Mistake("\(evaluate) --json @cifar", 74, "name a file, not a folder"),
    Mistake("\(evaluate) --json /proc/none/records.json", 74, "/proc/none/records.json"),
    Mistake("train --method plain --output @plain/new.safetensors", 74, "is a file"),
    Mistake("train --method plain --output /proc/none/new.safetensors", 74, "/proc/none"),
    Mistake("reproduce --output @plain", 74, "is a file"),
    Mistake("reproduce --output /proc/none", 74, "/proc/none"),
    Mistake("\(evaluate) --dataset cifar10 --data @none", 74, "data_batch_1.bin"),
    Mistake("\(evaluate) --dataset cifar100 --data @cifar", 74, "train.bin"),
    Mistake("\(evaluate) --profile @plain/profile", 74, "is a file"),
  ]

  static let parsing = [
    Mistake("\(evaluate) --threads 0", 64, "--threads is 0"),
    Mistake("\(evaluate) --threads 5000", 64, "--threads is 5000"),
    Mistake("\(evaluate) --seed=-1", 64, "--seed"),
    Mistake(
      "\(evaluate) --attack pgd --epsilon 1/8 --steps many", 64,
      "--steps is many; give a whole number"),
    Mistake("\(train) --seed 1.5", 64, "1.5"),
    Mistake("train --epochs abc --output @new.safetensors", 64, "abc"),
    Mistake("train --method plain", 64, "--output"),
    Mistake("evaluate", 64, "--model"),
    Mistake("evaluate --model", 64, "--model"),
    Mistake("\(evaluate) --epsilom 1/8", 64, "--epsilom"),
    Mistake("\(evaluate) extra", 64, "extra"),
    Mistake("reproduce --fresh=yes", 64, "--fresh"),
    Mistake("predict", 64, "predict"),
    Mistake("--fast", 64, "--fast"),
  ]

  @Test("What, where and what to do; nothing printed, nothing written", arguments: mistakes)
  func mistake(_ mistake: Mistake) throws {
    try Workplace.with { place in
      let before = try place.contents()
      let arguments = mistake.arguments.split(separator: " ").map { word in
        word.hasPrefix("@") ? place.path(String(word.dropFirst())) : String(word)
      }
      let result = try Command(folder: place.folder).run(arguments)
      #expect(result.status == mistake.status, "\(result.error)")
      #expect(result.error.contains(mistake.says), "\(result.error)")
      #expect(result.error.hasPrefix("mixup-inference: ") && result.error.hasSuffix("\n"))
      #expect(result.error.split(separator: "\n", omittingEmptySubsequences: false).count == 2)
      #expect(result.output.isEmpty)
      #expect(try place.contents() == before)
    }
  }

  @Test(
    "An option of one value is refused where it stands twice, one of several is not; of every verb")
  func repeated() throws {
    try Workplace.with { place in
      let command = Command(folder: place.folder)
      let dump = try command.run(["--experimental-dump-help"])
      let help = try JSONSerialization.jsonObject(with: Data(dump.output.utf8)) as? [String: Any]
      let root = try #require(help?["command"] as? [String: Any])
      var counts = [false: 0, true: 0]
      for verb in try #require(root["subcommands"] as? [[String: Any]]) {
        let name = try #require(verb["commandName"] as? String)
        for option in verb["arguments"] as? [[String: Any]] ?? []
        where option["kind"] as? String == "option" {
          let names = try #require(option["names"] as? [[String: Any]])
          let word = "--\(try #require(names[0]["name"] as? String))"
          let isSeveral = option["isRepeating"] as? Bool == true
          counts[isSeveral, default: 0] += 1
          // Nothing is to be done where the two are taken.
          let result = try command.run([name, word, "?", word, "?", "--no-such-option"])
          #expect(result.status == 64)
          #expect(result.error.contains("stands twice") == !isSeveral, "\(name) \(word)")
        }
      }
      #expect(counts[true, default: 0] >= 4 && counts[false, default: 0] >= 40)
    }
  }

  // Progress comes first: what a disk has no space for is known only when it is written.
  @Test("A full disk is reported behind the progress, and nothing is printed")
  func fullDisk() throws {
    try Workplace.with { place in
      // A link, because training writes more files beside its output.
      let full = place.path("full")
      try FileManager.default.createSymbolicLink(atPath: full, withDestinationPath: "/dev/full")
      let before = try place.contents()
      for arguments in [
        ["evaluate", "--model", place.path("model.safetensors"), "--count", "2", "--json"],
        ["train", "--method", "plain", "--epochs", "1", "--batch-size", "1000", "--output"],
      ] {
        let result = try Command(folder: place.folder).run(arguments + [full])
        #expect(result.status == 74 && result.output.isEmpty)
        let last = try #require(result.error.split(separator: "\n").last)
        #expect(
          last == """
            mixup-inference: cannot write \(full): No space left on device; \
            free some space or choose another disk
            """)
      }
      // From its state the training goes on when there is space.
      let beside = ["full-best.safetensors ", "full-state.safetensors ", "full.csv "]
      let others = try place.contents().filter { entry in !beside.contains { entry.hasPrefix($0) } }
      #expect(others == before)
    }
  }

  @Test("A training state that says what cannot be is damaged, and one of another run is refused")
  func trainingState() throws {
    try Workplace.with { place in
      let full = place.path("full")
      try FileManager.default.createSymbolicLink(atPath: full, withDestinationPath: "/dev/full")
      func train(_ epochs: Int) throws -> Command.Result {
        try Command(folder: place.folder).run([
          "train", "--method", "plain", "--epochs", "\(epochs)", "--batch-size", "1000", "--output",
          full,
        ])
      }
      #expect(try train(1).status == 74)
      let file = place.folder.appending(path: "full-state.safetensors")
      let state = try Safetensors(Data(contentsOf: file))
      for (name, value) in [
        ("epochs", "9223372036854775807"), ("epochs", "0"), ("epochs", "-1"), ("epochs", "x"),
        ("loss", "x"), ("curve", ""), ("curve", #"{"epochs":[]}"#), ("origin", "{"),
      ] {
        var damaged = state
        damaged.metadata[name] = value
        // What cannot be is refused also where the checksum is right.
        damaged.metadata["checksum"] = nil
        damaged.metadata["checksum"] = sha256(try damaged.encoded())
        try damaged.encoded().write(to: file)
        let result = try train(1)
        #expect(
          result.status == 65 && result.error.contains("full-state.safetensors is damaged"),
          "\(name) \(value): \(result.error)")
      }
      try state.encoded().write(to: file)
      let other = try train(2)
      #expect(other.status == 64 && other.error.contains("not the state of this very run"))
    }
  }

  @Test("Results that cannot be printed are no success")
  func fullStandardOutput() throws {
    try Workplace.with { place in
      for arguments in [
        ["doctor"], ["evaluate", "--model", place.path("model.safetensors"), "--count", "2"],
      ] {
        let result = try Command(folder: place.folder).run(arguments, outputTo: "/dev/full")
        #expect(result.status == 74)
        #expect(
          result.error.hasSuffix(
            "mixup-inference: cannot write standard output: No space left on device; "
              + "send it elsewhere\n"))
      }
    }
  }

  // `RunningCommand` reads standard error; the shell sends standard output elsewhere, or closes it.
  @Test("Results that cannot be printed end in one line, also JSON, and a closed standard output")
  func closedStandardOutput() throws {
    try Workplace.with { place in
      let words = ["evaluate", "--model", "model.safetensors", "--count", "2", "--quiet"]
      for (shell, more, reason) in [
        ("exec \"$0\" \"$@\" >/dev/full", ["--json", "-"], "No space left on device"),
        ("exec \"$0\" \"$@\" >&-", ["--json", "-"], "Bad file descriptor"),
        ("exec \"$0\" \"$@\" <&- >&-", [], "Bad file descriptor"),
      ] {
        let ending = try RunningCommand(words + more, in: place.folder, shell: shell).end()
        #expect(ending.reason == .exit && ending.status == 74)
        #expect(
          ending.error
            == "mixup-inference: cannot write standard output: \(reason); send it elsewhere\n")
      }
    }
  }

  // A file would otherwise be opened under the number of standard error, and progress written into it.
  @Test("Nothing is lost, and nothing written into files, where nobody takes what is said")
  func closedStandardError() throws {
    try Workplace.with { place in
      func measured(_ store: String, _ redirection: String) throws -> (Int32, [String]) {
        let words = ["evaluate", "--model", "model.safetensors", "--count", "2", "--store", store]
        let ending = try RunningCommand(
          words, in: place.folder, shell: "exec \"$0\" \"$@\" \(redirection)"
        ).end()
        let folder = place.folder.appending(path: "\(store)/outcomes")
        let files = try names(in: folder).map {
          // Without what depends on the machine's speed.
          try String(contentsOf: folder.appending(path: $0), encoding: .utf8)
            .replacing(/"seconds":[-+.0-9e]+/, with: "")
            .replacing(/"checksum":"[^"]*"/, with: "")
        }
        return (ending.status, files)
      }
      let whole = try measured("open", "")
      #expect(whole.0 == 0 && !whole.1.isEmpty)
      for (store, redirection, status) in [
        ("no-error", "2>&-", 0), ("full-error", "2>/dev/full", 0), ("none", "<&- >&- 2>&-", 74),
      ] as [(String, String, Int32)] {
        let found = try measured(store, redirection)
        #expect(found.0 == status && found.1.map(\.count) == whole.1.map(\.count))
      }
    }
  }
}
