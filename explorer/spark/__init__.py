"""The same results on Apache Spark, for graphs that one machine cannot hold: Parquet in, Parquet out.

Written against the DataFrame API alone, so it also runs on Spark Connect and on engines that speak it, such as Sail.
Nothing here is imported before a command asks for Spark; docs/spark.md is the page for users.
"""
