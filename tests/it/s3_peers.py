"""An hour's ordinary work with S3 through s3fs and awswrangler, with the endpoint and the key in the environment."""

import os
import tempfile

import awswrangler as wr
import boto3
import pandas as pd
import s3fs

BLOCK = 5 * 2**20


def files():
    fs = s3fs.S3FileSystem(use_listings_cache=False)
    fs.mkdir("ordinary")
    assert fs.ls("ordinary") == []
    fs.pipe("ordinary/a/b.txt", b"1")
    fs.pipe("ordinary/a/ü +.txt", b"22")
    fs.touch("ordinary/empty")
    assert fs.cat("ordinary/a/ü +.txt") == b"22"
    assert sorted(fs.find("ordinary")) == ["ordinary/a/b.txt", "ordinary/a/ü +.txt", "ordinary/empty"]
    assert fs.isdir("ordinary/a") and fs.isfile("ordinary/empty") and not fs.exists("ordinary/none")

    large = os.urandom(4 * BLOCK + 1000)
    with fs.open("ordinary/large", "wb", block_size=BLOCK) as file:
        file.write(large)
    with fs.open("ordinary/large", "rb") as file:
        file.seek(7_000_000)
        assert file.read(100) == large[7_000_000:7_000_100]
    with fs.open("ordinary/large", "ab") as file:
        file.write(b"tail")
    assert fs.cat("ordinary/large") == large + b"tail"

    fs.cp("ordinary/large", "ordinary/copy")
    fs.mv("ordinary/a/b.txt", "ordinary/c/b.txt")
    assert fs.glob("ordinary/*/*.txt") == ["ordinary/a/ü +.txt", "ordinary/c/b.txt"]
    fs.merge("ordinary/merged", ["ordinary/large", "ordinary/copy"])
    assert fs.info("ordinary/merged")["size"] == 2 * (len(large) + 4)
    fs.setxattr("ordinary/empty", who="me")
    assert fs.getxattr("ordinary/empty", "who") == "me"
    fs.rm("ordinary", recursive=True)
    assert not fs.exists("ordinary")


def tables():
    boto3.client("s3").create_bucket(Bucket="tables")
    frame = pd.DataFrame({"id": range(1000), "part": [n % 3 for n in range(1000)]})
    wr.s3.to_parquet(frame, "s3://tables/one.parquet")
    assert list(wr.s3.read_parquet("s3://tables/one.parquet").id) == list(frame.id)
    written = wr.s3.to_parquet(frame, "s3://tables/set/", dataset=True, partition_cols=["part"], mode="overwrite")
    assert len(written["paths"]) == 3
    assert len(wr.s3.read_parquet("s3://tables/set/", dataset=True)) == 1000
    wr.s3.to_parquet(frame, "s3://tables/set/", dataset=True, partition_cols=["part"], mode="overwrite_partitions")
    assert len(wr.s3.list_objects("s3://tables/set/")) == 3
    wr.s3.to_csv(frame, "s3://tables/one.csv", index=False)
    assert len(wr.s3.read_csv("s3://tables/one.csv")) == 1000
    wr.s3.copy_objects(["s3://tables/one.csv"], "s3://tables/", "s3://tables/copies/")
    assert wr.s3.list_directories("s3://tables/") == ["s3://tables/copies/", "s3://tables/set/"]
    with tempfile.TemporaryDirectory() as folder:
        wr.s3.download("s3://tables/copies/one.csv", f"{folder}/one.csv")
        wr.s3.upload(f"{folder}/one.csv", "s3://tables/again.csv")
    assert wr.s3.size_objects("s3://tables/again.csv") == {"s3://tables/again.csv": wr.s3.size_objects("s3://tables/one.csv")["s3://tables/one.csv"]}
    wr.s3.delete_objects("s3://tables/")
    assert wr.s3.list_objects("s3://tables/") == []


files()
tables()
