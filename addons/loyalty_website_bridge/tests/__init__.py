from . import test_cart, test_portal, test_tours
