"""What a password must be: Django's checks with messages of our own, because its Chinese has gaps."""

from django.contrib.auth import password_validation as usual


class LongEnough(usual.MinimumLengthValidator):
    def get_error_message(self):
        return f"密码太短，至少要 {self.min_length} 个字符。"


class NotCommon(usual.CommonPasswordValidator):
    def get_error_message(self):
        return "这个密码太常见，容易被猜到，请换一个。"


class NotOnlyDigits(usual.NumericPasswordValidator):
    def get_error_message(self):
        return "密码不能全是数字。"


class NotPersonal(usual.UserAttributeSimilarityValidator):
    def __init__(self, user_attributes=("username", "name", "staff_number", "phone", "email"), **options):
        super().__init__(user_attributes, **options)

    def get_error_message(self):
        return "密码和您的%(verbose_name)s太像，容易被猜到，请换一个。"
