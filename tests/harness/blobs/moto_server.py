#!/usr/bin/env python3
"""moto's S3 server with the bucket `bench`; run by the Python of a virtual environment that has it.

Prints its address, serves until its standard input ends."""
import logging
import sys

import boto3
from moto.server import ThreadedMotoServer

logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
address = f"http://{host}:{port}"
boto3.client("s3", endpoint_url=address, region_name="us-east-1", aws_access_key_id="AKIDTEST",
             aws_secret_access_key="secret/with+signs=").create_bucket(Bucket="bench")
print(address, flush=True)
sys.stdin.read()
