"""Generate ``vizd/wire/vizd_pb2.py`` and ``.pyi`` from the proto file beside this script.

    python protos/generate.py [DIRECTORY]

DIRECTORY is where the two modules go: ``vizd/wire`` unless told. Needs the ``grpcio-tools`` of the
``[test]`` extra, whose version is pinned there: it decides the oldest protobuf runtime that can load
the modules. No ``_pb2_grpc`` module is made; it would import ``norikv.viz.v1`` absolutely, which does
not exist inside our package.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from grpc_tools import protoc

HERE = Path(__file__).parent
SOURCE = "norikv/viz/v1/vizd.proto"


def generate(directory: Path) -> list[Path]:
    """Write the modules into ``directory`` and return their paths.

    :raises RuntimeError: protoc refused the file; its own message went to standard error.
    """
    with tempfile.TemporaryDirectory() as scratch:
        arguments = ["protoc", f"-I{HERE}", f"--python_out={scratch}", f"--pyi_out={scratch}", SOURCE]
        if protoc.main(arguments) != 0:
            raise RuntimeError(f"protoc could not compile {HERE / SOURCE}")
        made = sorted(Path(scratch, SOURCE).parent.glob("vizd_pb2.py*"))
        return [Path(shutil.copy(path, directory / path.name)) for path in made]


if __name__ == "__main__":
    for written in generate(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parent / "vizd" / "wire"):
        print(written)
