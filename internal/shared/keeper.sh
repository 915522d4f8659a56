#!/bin/sh
# keeper.sh MARK FOLDER: waits until the tests whose pipe is its standard input have ended, however they did, and then ends
# every process that has MARK in its environment, which all have that they started, and removes FOLDER.
# Where there is no /proc it only removes the folder: a session notices that, and ends.
trap '' HUP INT TERM
cat >/dev/null
while
  left=
  for environ in $(grep -lszxF -e "$1" /proc/[0-9]*/environ); do
    process=${environ%/environ}
    kill -KILL "${process#/proc/}" 2>/dev/null && left=1
  done
  [ "$left" ]
do sleep 0.05; done
rm -rf -- "$2"
