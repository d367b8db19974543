variable "bucket" {
  description = "Name of the bucket to create: s3_bucket of fluent.conf."
  type        = string
}

variable "prefix" {
  description = "What all keys begin with, with its slash: the common part of every path in fluent.conf."
  type        = string
  default     = "logs/"

  validation {
    # An empty prefix would open the whole bucket to both sides.
    condition     = endswith(var.prefix, "/") && !startswith(var.prefix, "/")
    error_message = "The prefix ends with a slash and does not begin with one, such as logs/."
  }
}

variable "writer_roles" {
  description = "Names of the roles that forebay runs as: of the instance, the task or the service account."
  type        = set(string)
  default     = []
}

variable "snowflake_user_arn" {
  description = "STORAGE_AWS_IAM_USER_ARN from DESC INTEGRATION; null until there is an integration."
  type        = string
  default     = null
}

variable "external_id" {
  description = "STORAGE_AWS_EXTERNAL_ID from DESC INTEGRATION."
  type        = string
  default     = null

  validation {
    # Without it any Snowflake customer who knows the role's name could read the bucket.
    condition     = (var.external_id == null) == (var.snowflake_user_arn == null)
    error_message = "The user and the external id come from the same DESC INTEGRATION: give both or none."
  }
}

variable "queue_arn" {
  description = "notification_channel from SHOW PIPES; null until there is a pipe."
  type        = string
  default     = null
}
