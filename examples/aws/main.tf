resource "aws_s3_bucket" "audit" {
  bucket = var.bucket
}

resource "aws_s3_bucket_public_access_block" "audit" {
  bucket                  = aws_s3_bucket.audit.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

# forebay replaces nothing. Versions are for what an administrator does by mistake.
resource "aws_s3_bucket_versioning" "audit" {
  bucket = aws_s3_bucket.audit.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_policy" "audit" {
  bucket = aws_s3_bucket.audit.id
  policy = local.bucket_policy

  # S3 takes one change of a bucket's access at a time.
  depends_on = [aws_s3_bucket_public_access_block.audit]
}

resource "aws_iam_policy" "writer" {
  name        = "${var.bucket}-writer"
  description = "forebay: puts objects below ${var.prefix}, and nothing else"
  policy      = local.writer_policy
}

resource "aws_iam_role_policy_attachment" "writer" {
  for_each   = var.writer_roles
  role       = each.value
  policy_arn = aws_iam_policy.writer.arn
}

# For who runs `forebay verify`: best somebody who may do nothing else here.
resource "aws_iam_policy" "verifier" {
  name        = "${var.bucket}-verifier"
  description = "forebay verify: reads and lists ${var.prefix}"
  policy      = local.verifier_policy
}

resource "aws_iam_role" "snowflake" {
  count              = local.with_snowflake ? 1 : 0
  name               = "snowflake-reads-${var.bucket}"
  assume_role_policy = local.snowflake_role_trust
}

resource "aws_iam_role_policy" "snowflake" {
  count  = local.with_snowflake ? 1 : 0
  name   = "read-${var.bucket}"
  role   = aws_iam_role.snowflake[0].id
  policy = local.snowflake_role_policy
}

# A bucket has one notification configuration: others of this bucket belong in here.
resource "aws_s3_bucket_notification" "audit" {
  count  = local.notification == null ? 0 : 1
  bucket = aws_s3_bucket.audit.id

  dynamic "queue" {
    for_each = local.notification.QueueConfigurations

    content {
      id            = queue.value.Id
      queue_arn     = queue.value.QueueArn
      events        = queue.value.Events
      filter_prefix = queue.value.Filter.Key.FilterRules[0].Value
    }
  }
}
