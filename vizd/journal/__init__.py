"""What the daemon says of itself, line by line, to whoever runs it. (The log of windows is ``vizd.log``.)"""
