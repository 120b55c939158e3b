#!/bin/sh
# Starts the notebook's kernel: kernel.sh NODE SNAPSHOT [option...] main.js CONNECTION_FILE
#
# Node.js refuses a snapshot that another one made, or one with other options, and ends. So it gets the one that
# make-snapshot.ts made for exactly this file, if there is one, and none where the user has options of his own.
node=$1
snapshot=$2-$(stat -L -c %s-%Y-%i "$node").blob
shift 2
export BPFLAB_PARENT=$PPID # read now: a parent that is killed while Node.js starts would not be missed later
if [ -z "$NODE_OPTIONS" ] && [ -r "$snapshot" ]; then
  exec "$node" --snapshot-blob "$snapshot" "$@"
fi
exec "$node" "$@"
