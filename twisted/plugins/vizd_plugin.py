"""Makes ``twistd vizd`` known. Imported at each plugin scan, so it imports nothing of ours."""

from twisted.application.service import ServiceMaker

vizd = ServiceMaker("norikv-vizd", "vizd.tap", "Live view into a running NoriKV cluster.", "vizd")
